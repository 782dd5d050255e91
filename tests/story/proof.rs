//! Checks a receipt as a reader without a node does: certificate, header, path. Shares no code with
//! the node that made it.

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::{Decodable, Header};
use alloy_trie::{Nibbles, proof::verify_proof};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use serde_json::Value;

/// Place of the receipts root among the fields of a header.
const RECEIPTS_ROOT: usize = 5;

/// Who certifies, as the reader knows it beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    namespace: Bytes,
    validators: Vec<B256>,
}

impl Anchor {
    /// What a first answer names, to be compared with all later ones.
    pub(crate) fn of(proof: &Value) -> Self {
        let validators = proof["validators"].as_array().expect("a list of validators");
        Self {
            namespace: bytes(&proof["namespace"]),
            validators: validators.iter().map(|key| B256::from_slice(&bytes(key))).collect(),
        }
    }
}

/// Whether the receipt in an answer of `tulou_getReceiptProof` is in the book of this anchor.
pub(crate) fn check(proof: &Value, anchor: &Anchor) -> Result<(), String> {
    if Anchor::of(proof) != *anchor {
        return Err("another book".into());
    }
    let header = bytes(&proof["header"]);
    let signed = certified(&bytes(&proof["certificate"]), anchor)?;
    if signed != keccak256(&header) {
        return Err("another header was signed".into());
    }
    let root = receipts_root(&header).map_err(|e| e.to_string())?;
    let key = Nibbles::unpack(alloy_rlp::encode(proof["index"].as_u64().ok_or("no index")?));
    let nodes: Vec<Bytes> = proof["proof"].as_array().ok_or("no path")?.iter().map(bytes).collect();
    verify_proof(root, key, Some(bytes(&proof["receipt"]).to_vec()), &nodes)
        .map_err(|e| e.to_string())
}

/// The digest that enough validators signed.
fn certified(certificate: &[u8], anchor: &Anchor) -> Result<B256, String> {
    let mut rest = certificate;
    for _ in ["epoch", "view", "parent view"] {
        varint(&mut rest)?;
    }
    let digest = B256::from_slice(take(&mut rest, 32)?);
    let proposal = &certificate[..certificate.len() - rest.len()];
    let n = anchor.validators.len();
    let bits = u64::from_be_bytes(take(&mut rest, 8)?.try_into().map_err(|_| "bits")?);
    if bits != n as u64 {
        return Err("certified by another committee".into());
    }
    let map = take(&mut rest, n.div_ceil(8))?;
    let signers: Vec<usize> = (0..n).filter(|i| map[i / 8] >> (i % 8) & 1 == 1).collect();
    if varint(&mut rest)? != signers.len() as u64 || signers.len() < n - (n - 1) / 3 {
        return Err("too few signatures".into());
    }
    let namespace = [&anchor.namespace[..], b"_FINALIZE"].concat();
    // The length of a namespace fits into one byte of the varint.
    let length = u8::try_from(namespace.len()).ok().filter(|n| *n < 128).ok_or("namespace")?;
    let message = [&[length], &namespace[..], proposal].concat();
    for signer in signers {
        UnparsedPublicKey::new(&ED25519, anchor.validators[signer])
            .verify(&message, take(&mut rest, 64)?)
            .map_err(|_| format!("the signature of validator {signer} is wrong"))?;
    }
    if rest.is_empty() { Ok(digest) } else { Err("bytes left over".into()) }
}

fn receipts_root(header: &[u8]) -> alloy_rlp::Result<B256> {
    let mut rest = Header::decode_bytes(&mut &header[..], true)?;
    for _ in 0..RECEIPTS_ROOT {
        let field = Header::decode(&mut rest)?;
        rest = rest.get(field.payload_length..).ok_or(alloy_rlp::Error::InputTooShort)?;
    }
    B256::decode(&mut rest)
}

fn varint(rest: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let byte = take(rest, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("varint too long".into())
}

fn take<'a>(rest: &mut &'a [u8], n: usize) -> Result<&'a [u8], String> {
    let (taken, left) = rest.split_at_checked(n).ok_or("certificate too short")?;
    *rest = left;
    Ok(taken)
}

fn bytes(value: &Value) -> Bytes {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is no hex"))
}
