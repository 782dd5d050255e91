use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope, TxLegacy};
use alloy_primitives::{Signature, U256};

use super::*;

fn signature() -> Signature {
    Signature::new(U256::from(1), U256::from(2), false)
}

fn block() -> Block {
    let legacy =
        TxEnvelope::from(TxLegacy { nonce: 7, ..Default::default() }.into_signed(signature()));
    let typed =
        TxEnvelope::from(TxEip1559 { chain_id: 9, ..Default::default() }.into_signed(signature()));
    let header = Header { number: 3, gas_limit: 30_000_000, ..Default::default() };
    Block::new(header, vec![Tx::from_envelope(legacy), Tx::from_envelope(typed)])
}

#[test]
fn amounts_are_read_and_shown_exactly() {
    // text, hundredths or a refusal
    for (text, want) in [
        ("0", Some(0)),
        ("12406.80", Some(1_240_680)),
        ("0.5", Some(50)),
        ("184467440737095516.15", Some(u64::MAX)),
        ("184467440737095516.16", None),
        ("1.234", None),
        ("-1", None),
        ("+1", None),
        (" 1", None),
        ("1,000", None),
        (".5", None),
        ("5.", None),
        ("", None),
    ] {
        assert_eq!(text.parse::<Fen>().ok(), want.map(Fen), "{text:?}");
        assert_eq!(text.parse::<Area>().ok(), want.map(Area), "{text:?}");
    }
    assert_eq!(Fen(8_640_005).to_string(), "86400.05");
    assert_eq!(Fen(1).checked_sub(Fen(2)), None);
    assert_eq!(Area(u64::MAX).checked_add(Area(1)), None);
}

#[test]
fn a_block_survives_the_wire_and_only_its_own_bytes_decode() {
    let block = block();
    let bytes = block.encode();
    let back = Block::decode(&bytes).unwrap();
    assert_eq!(back.hash(), block.hash());
    assert_eq!(back.encode(), bytes);
    assert_eq!(back.transactions()[1].hash(), block.transactions()[1].hash());
    // The same bytes are what alloy reads as an Ethereum block.
    let theirs: alloy_consensus::Block<TxEnvelope> =
        alloy_rlp::Decodable::decode(&mut bytes.as_ref()).unwrap();
    assert_eq!(theirs.header.hash_slow(), block.hash());
    assert_eq!(theirs.body.transactions.len(), 2);
    for cut in 0..bytes.len() {
        assert!(Block::decode(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert!(Block::decode(&longer).is_err());
}

#[test]
fn blobs_and_trailing_bytes_are_not_transactions() {
    let raw = block().transactions()[1].raw().to_vec();
    let mut longer = raw.clone();
    longer.push(0);
    assert!(matches!(Tx::decode(longer.into()), Err(TxError::Malformed(_))));
    assert!(matches!(Tx::decode(Default::default()), Err(TxError::Malformed(_))));
    assert!(Tx::decode(raw.into()).is_ok());
}
