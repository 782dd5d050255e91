//! Type 0x53 at its bounds.

use alloy_consensus::Transaction as _;
use alloy_primitives::{Bytes, TxKind, U256, address};
use serde_json::{Value, json};

use super::*;
use crate::{Envelope, Suite, Tx, TxType};

fn key(seed: u8) -> Sm2Key {
    Sm2Key::from_bytes(&B256::repeat_byte(seed)).unwrap()
}

fn fields() -> TxEip1559 {
    TxEip1559 {
        chain_id: 8_899,
        nonce: 7,
        gas_limit: 200_000,
        max_fee_per_gas: 3,
        max_priority_fee_per_gas: 2,
        to: TxKind::Call(address!("7755000000000000000000000000000000000004")),
        value: U256::from(5),
        input: Bytes::from_static(&[1, 2, 3, 0]),
        ..Default::default()
    }
}

fn decode(raw: Vec<u8>) -> Result<std::sync::Arc<Tx>, TxError> {
    Tx::decode(raw.into())
}

#[test]
fn it_survives_the_wire_and_has_its_signers_account() {
    for to in [fields().to, TxKind::Create] {
        let signed = SignedSm2::sign(TxEip1559 { to, ..fields() }, &key(1));
        let raw = signed.encoded_2718();
        assert_eq!(raw[0], 0x53);
        let tx = decode(raw.clone()).unwrap();
        assert_eq!(tx.envelope(), &Envelope::from(signed.clone()));
        assert_eq!((tx.envelope().tx_type(), tx.suite()), (TxType::Sm2, Suite::Sm2));
        assert_eq!(tx.hash(), keccak256(&raw));
        assert_eq!(tx.sender(), Ok(key(1).public_key().address()));
        assert_eq!(Tx::from_envelope(signed).raw(), tx.raw());
        let envelope = tx.envelope();
        assert_eq!((envelope.chain_id(), envelope.nonce(), envelope.kind()), (Some(8_899), 7, to));
        assert_eq!((envelope.value(), envelope.total_value()), (U256::from(5), U256::from(5)));
        assert_eq!((envelope.gas_limit(), envelope.max_fee_per_gas()), (200_000, 3));
        assert!(envelope.window().is_none() && envelope.as_batch().is_none());
    }
}

#[test]
fn every_bit_is_covered_by_the_signature() {
    let signed = SignedSm2::sign(fields(), &key(1));
    let (raw, sender) = (signed.encoded_2718(), key(1).public_key().address());
    for place in 0..raw.len() {
        for bit in [0x01, 0x80] {
            let mut changed = raw.clone();
            changed[place] ^= bit;
            // Broken bytes, another type, or no sender; never this sender under another hash.
            let found = decode(changed).and_then(|tx| tx.sender());
            assert_ne!(found, Ok(sender), "byte {place}");
        }
    }
}

#[test]
fn a_second_hash_for_the_same_transaction_takes_the_private_key() {
    let signed = SignedSm2::sign(fields(), &key(1));
    let order = alloy_primitives::uint!(
        0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123_U256
    );
    let number = |word: B256| U256::from_be_bytes(word.0);
    let word = |number: U256| B256::from(number);
    let Sm2Signature { r, s } = signed.signature;
    for (r, s) in [
        (r, word(order - number(s))),
        (word(order - number(r)), s),
        (word(order - number(r)), word(order - number(s))),
        (r, word(number(s).wrapping_add(order))),
        (word(number(r).wrapping_add(order)), s),
    ] {
        let other = SignedSm2 { signature: Sm2Signature { r, s }, ..signed.clone() };
        assert_eq!(other.recover_signer(), Err(SignatureError::Sm2));
    }
}

#[test]
fn a_foreign_key_or_signature_gives_no_sender() {
    let signed = SignedSm2::sign(fields(), &key(1));
    let other = SignedSm2::sign(fields(), &key(2));
    let cases = [
        SignedSm2 { key: other.key, ..signed.clone() },
        SignedSm2 { signature: other.signature, ..signed.clone() },
        SignedSm2 { tx: TxEip1559 { nonce: 8, ..fields() }, ..signed.clone() },
        SignedSm2 { tx: TxEip1559 { chain_id: 1, ..fields() }, ..signed.clone() },
        SignedSm2 { key: Sm2PublicKey { x: B256::ZERO, y: B256::ZERO }, ..signed },
    ];
    for case in cases {
        let tx = decode(case.encoded_2718()).expect("it decodes");
        assert_eq!(tx.sender(), Err(TxError::BadSignature(SignatureError::Sm2)));
    }
    // The same fields signed as type 2 are other bytes.
    let as_type_2 = alloy_consensus::SignableTransaction::signature_hash(&fields());
    assert_ne!(SignedSm2::signing_hash(&fields()), as_type_2);
    let signature = key(1).sign(as_type_2.as_slice());
    let replayed = SignedSm2 { tx: fields(), signature, key: key(1).public_key() };
    assert_eq!(replayed.recover_signer(), Err(SignatureError::Sm2));
}

#[test]
fn there_is_one_way_to_write_it() {
    let signed = SignedSm2::sign(fields(), &key(1));
    let raw = signed.encoded_2718();
    let malformed = |raw: Vec<u8>| matches!(decode(raw), Err(TxError::Malformed(_)));
    for length in 0..raw.len() {
        assert!(malformed(raw[..length].to_vec()), "{length} bytes");
    }
    assert!(malformed([&raw[..], &[0]].concat()), "something follows");
    // The list of another length, a number of 31 or 33 bytes, a list in place of a number.
    let list = |numbers: &[&[u8]], tail: &[u8]| {
        let payload: usize = numbers.iter().map(|number| number.length()).sum();
        let payload_length = signed.tx.rlp_encoded_fields_length() + payload + tail.len();
        let mut out = vec![0x53];
        Header { list: true, payload_length }.encode(&mut out);
        signed.tx.rlp_encode_fields(&mut out);
        numbers.iter().for_each(|number| number.encode(&mut out));
        out.extend_from_slice(tail);
        out
    };
    let (r, s) = (signed.signature.r.0, signed.signature.s.0);
    let (x, y) = (signed.key.x.0, signed.key.y.0);
    assert_eq!(list(&[&r, &s, &x, &y], &[]), raw);
    let long = [&[0][..], &r].concat();
    assert!(malformed(list(&[&r[1..], &s, &x, &y], &[])));
    assert!(malformed(list(&[&long, &s, &x, &y], &[])));
    assert!(malformed(list(&[&r, &s, &x], &[])));
    assert!(malformed(list(&[&r, &s, &x], &[0xc0])));
    assert!(malformed(list(&[&r, &s, &x, &y], &[0x80])));
}

#[test]
fn clients_find_what_they_look_for() {
    let signed = SignedSm2::sign(fields(), &key(1));
    let Value::Object(shown) = serde_json::to_value(Envelope::from(signed.clone())).unwrap() else {
        panic!("no object")
    };
    for (field, want) in [
        ("type", json!("0x53")),
        ("chainId", json!("0x22c3")),
        ("nonce", json!("0x7")),
        ("gas", json!("0x30d40")),
        ("value", json!("0x5")),
        ("input", json!("0x01020300")),
        ("to", json!("0x7755000000000000000000000000000000000004")),
        ("r", json!("0x0")),
        ("s", json!("0x0")),
        ("v", json!("0x0")),
        ("yParity", json!("0x0")),
        ("hash", json!(keccak256(signed.encoded_2718()))),
    ] {
        assert_eq!(shown[field], want, "{field}");
    }
    assert_eq!(shown["signature"]["type"], json!("sm2"));
    assert_eq!(shown["signature"]["r"], json!(signed.signature.r));
    assert_eq!(shown["signature"]["pubKeyY"], json!(signed.key.y));
    let key = shown["publicKey"].as_str().unwrap();
    assert!(key.starts_with("0x04") && key.len() == 2 + 130, "{key}");
}
