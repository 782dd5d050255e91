//! Transactions as JSON-RPC shows them. A batch has the fields that clients of type 0x76 look for and,
//! for all others, those of a transaction with one call: the first one's receiver, value and input, and
//! an ECDSA signature, which is zero where a batch has another.

use alloy_consensus::Transaction;
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, B256, Bytes, Signature, U64, U128, U256, keccak256};
use serde::{Serialize, Serializer};

use super::{BatchSignature, Call, Envelope, P256Signature, SignedBatch, SignedSm2};

impl Serialize for Envelope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Ethereum(tx) => tx.serialize(serializer),
            Self::Sm2(tx) => ShownSm2::of(tx).serialize(serializer),
            Self::Batch(batch) => Shown::of(batch).serialize(serializer),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    hash: B256,
    chain_id: U64,
    nonce: U64,
    nonce_key: U64,
    gas: U64,
    max_fee_per_gas: U128,
    max_priority_fee_per_gas: U128,
    calls: Vec<ShownCall<'a>>,
    access_list: &'a AccessList,
    valid_before: Option<U64>,
    valid_after: Option<U64>,
    fee_token: Option<Address>,
    fee_payer_signature: Option<B256>,
    aa_authorization_list: [(); 0],
    signature: ShownSignature<'a>,
    to: Address,
    value: U256,
    input: &'a Bytes,
    r: U256,
    s: U256,
    v: U64,
    y_parity: U64,
}

/// Type 0x53: as type 2, with zeros where clients look for an ECDSA signature, and its own beside them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownSm2<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    hash: B256,
    chain_id: U64,
    nonce: U64,
    gas: U64,
    max_fee_per_gas: U128,
    max_priority_fee_per_gas: U128,
    to: Option<Address>,
    value: U256,
    input: &'a Bytes,
    access_list: &'a AccessList,
    public_key: Bytes,
    signature: ShownSignature<'a>,
    r: U256,
    s: U256,
    v: U64,
    y_parity: U64,
}

impl<'a> ShownSm2<'a> {
    fn of(signed: &'a SignedSm2) -> Self {
        let SignedSm2 { tx, signature, key } = signed;
        Self {
            kind: "0x53",
            hash: keccak256(signed.encoded_2718()),
            chain_id: U64::from(tx.chain_id),
            nonce: U64::from(tx.nonce),
            gas: U64::from(tx.gas_limit),
            max_fee_per_gas: U128::from(tx.max_fee_per_gas),
            max_priority_fee_per_gas: U128::from(tx.max_priority_fee_per_gas),
            to: tx.to.to().copied(),
            value: tx.value,
            input: &tx.input,
            access_list: &tx.access_list,
            // The uncompressed form, as tools for SM2 read it.
            public_key: [&[4], key.x.as_slice(), key.y.as_slice()].concat().into(),
            signature: ShownSignature::Sm2 {
                r: signature.r,
                s: signature.s,
                pub_key_x: key.x,
                pub_key_y: key.y,
                y_parity: U64::ZERO,
            },
            r: U256::ZERO,
            s: U256::ZERO,
            v: U64::ZERO,
            y_parity: U64::ZERO,
        }
    }
}

#[derive(Serialize)]
struct ShownCall<'a> {
    to: Address,
    value: U256,
    input: &'a Bytes,
}

/// By kind. `yParity` (and `r`, `s` of a keychain) are 0 where the kind has none: ethers reads every
/// `signature` as one of secp256k1.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum ShownSignature<'a> {
    #[serde(rename_all = "camelCase")]
    Secp256k1 { r: U256, s: U256, y_parity: U64 },
    #[serde(rename_all = "camelCase")]
    Sm2 { r: B256, s: B256, pub_key_x: B256, pub_key_y: B256, y_parity: U64 },
    #[serde(rename_all = "camelCase")]
    P256 { r: B256, s: B256, pub_key_x: B256, pub_key_y: B256, pre_hash: bool, y_parity: U64 },
    #[serde(rename_all = "camelCase")]
    WebAuthn {
        r: B256,
        s: B256,
        pub_key_x: B256,
        pub_key_y: B256,
        webauthn_data: &'a Bytes,
        y_parity: U64,
    },
    #[serde(rename_all = "camelCase")]
    Keychain {
        user_address: Address,
        signature: Box<ShownSignature<'a>>,
        version: &'static str,
        r: U256,
        s: U256,
        y_parity: U64,
    },
}

impl<'a> Shown<'a> {
    fn of(signed: &'a SignedBatch) -> Self {
        let batch = &signed.batch;
        let bound = |second: u64| (second != 0).then(|| U64::from(second));
        let ecdsa = match &signed.signature {
            BatchSignature::Secp256k1(signature) => *signature,
            _ => Signature::new(U256::ZERO, U256::ZERO, false),
        };
        let parity = U64::from(u8::from(ecdsa.v()));
        Self {
            kind: "0x76",
            hash: keccak256(signed.encoded_2718()),
            chain_id: U64::from(batch.chain_id),
            nonce: U64::from(batch.nonce),
            nonce_key: U64::ZERO,
            gas: U64::from(batch.gas_limit),
            max_fee_per_gas: U128::from(batch.max_fee_per_gas),
            max_priority_fee_per_gas: U128::from(batch.max_priority_fee_per_gas),
            calls: batch.calls.iter().map(ShownCall::of).collect(),
            access_list: &batch.access_list,
            valid_before: bound(batch.window.before),
            valid_after: bound(batch.window.after),
            fee_token: None,
            fee_payer_signature: None,
            aa_authorization_list: [],
            signature: ShownSignature::of(&signed.signature),
            to: batch.calls[0].to,
            value: signed.value(),
            input: signed.input(),
            r: ecdsa.r(),
            s: ecdsa.s(),
            v: parity,
            y_parity: parity,
        }
    }
}

impl<'a> ShownCall<'a> {
    fn of(call: &'a Call) -> Self {
        Self { to: call.to, value: call.value, input: &call.input }
    }
}

impl<'a> ShownSignature<'a> {
    fn of(signature: &'a BatchSignature) -> Self {
        match signature {
            BatchSignature::Secp256k1(it) => {
                Self::Secp256k1 { r: it.r(), s: it.s(), y_parity: U64::from(u8::from(it.v())) }
            }
            BatchSignature::P256 { signature, prehash } => {
                let P256Signature { r, s, x, y } = *signature;
                Self::P256 {
                    r,
                    s,
                    pub_key_x: x,
                    pub_key_y: y,
                    pre_hash: *prehash,
                    y_parity: U64::ZERO,
                }
            }
            BatchSignature::WebAuthn { data, signature } => {
                let P256Signature { r, s, x, y } = *signature;
                Self::WebAuthn {
                    r,
                    s,
                    pub_key_x: x,
                    pub_key_y: y,
                    webauthn_data: data,
                    y_parity: U64::ZERO,
                }
            }
            BatchSignature::Keychain { account, inner } => {
                let signature = Box::new(Self::of(inner));
                let (r, s, y_parity) = (U256::ZERO, U256::ZERO, U64::ZERO);
                Self::Keychain { user_address: *account, signature, version: "v2", r, s, y_parity }
            }
        }
    }
}
