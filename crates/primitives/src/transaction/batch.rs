//! Type 0x76: several calls in one transaction, signed by a passkey or another key. The type is Tempo's;
//! what this ledger takes of it is pinned here and in `docs/reference/transactions.md`, so that a change
//! over there moves nothing here.

use alloy_consensus::{Transaction, Typed2718};
use alloy_eips::{eip2930::AccessList, eip7702::SignedAuthorization};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_rlp::{
    BufMut, Decodable, EMPTY_LIST_CODE, EMPTY_STRING_CODE, Encodable, Header, RlpDecodable,
    RlpEncodable,
};

use super::{BatchSignature, SignatureError, TxError};

/// One call of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, RlpEncodable)]
pub struct Call {
    /// Who is called.
    pub to: Address,
    /// Wei that go along.
    pub value: U256,
    /// Calldata.
    pub input: Bytes,
}

/// When a transaction may be in a block, by the block's time in seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// First second; 0 for no bound.
    pub after: u64,
    /// First second after the last; 0 for no bound.
    pub before: u64,
}

impl Window {
    /// Whether a block of this time is too early.
    pub fn is_ahead(&self, now: u64) -> bool {
        now < self.after
    }

    /// Whether a block of this time is too late.
    pub fn is_over(&self, now: u64) -> bool {
        self.before != 0 && now >= self.before
    }
}

/// What is signed of a batch. The fields that this ledger leaves empty (nonce key, fee token, fee payer,
/// authorizations, key authorization) are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// EIP-1559's tip, in wei.
    pub max_priority_fee_per_gas: u128,
    /// EIP-1559's cap on the price, in wei.
    pub max_fee_per_gas: u128,
    /// Gas for all calls together.
    pub gas_limit: u64,
    /// At least one. All of them happen, in order, or none.
    pub calls: Vec<Call>,
    /// Addresses and slots to find warm.
    pub access_list: AccessList,
    /// The account's nonce.
    pub nonce: u64,
    /// When it may be in a block.
    pub window: Window,
}

/// A batch that carries what this ledger leaves out of type 0x76, in the order of the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// There is nothing to do.
    #[error("it has no call")]
    NoCalls,
    /// A call without a receiver would create a contract.
    #[error("call {0} creates a contract, which a batch cannot; send it alone, as type 2")]
    Create(usize),
    /// A nonce of a second kind.
    #[error("nonce_key must be 0: an account has one nonce here")]
    NonceKey,
    /// The window is empty.
    #[error("valid_before {before} is not after valid_after {after}")]
    EmptyWindow {
        /// First second of the window.
        after: u64,
        /// First second after it.
        before: u64,
    },
    /// Gas is free.
    #[error("fee_token must be empty: gas is free here")]
    FeeToken,
    /// Gas is free.
    #[error("the fee payer's signature must be empty: gas is free here")]
    FeePayer,
    /// Delegations of other accounts.
    #[error("the authorization list must be empty; send authorizations as type 4")]
    Authorizations,
    /// A key to act for the account.
    #[error("key authorizations are not accepted; add a key by a call to the module for accounts")]
    KeyAuthorization,
    /// A signature of a kind that is not accepted. 0x03 is a key's on behalf of an account that is not
    /// named in what was signed: it would count for every account of that key.
    #[error(
        "signature kind {0:#04x} is not accepted: 65 bytes of secp256k1, 0x01 (P-256), 0x02 (WebAuthn), or \
         0x04 (one of these by a key of another account)"
    )]
    SignatureKind(u8),
    /// A signature of an accepted kind that is too short or too long.
    #[error("a signature of {0} bytes is none of its kind")]
    SignatureLength(usize),
    /// A second way to write the same signature.
    #[error("the signature's last byte {0:#04x} must be {1}")]
    SignatureByte(u8, &'static str),
}

/// A call as it is on the wire, where the receiver may be missing.
#[derive(RlpDecodable)]
struct WireCall {
    to: TxKind,
    value: U256,
    input: Bytes,
}

impl Batch {
    /// Wei that all calls move together, capped at the largest number.
    pub fn total_value(&self) -> U256 {
        self.calls.iter().fold(U256::ZERO, |sum, call| sum.saturating_add(call.value))
    }

    /// What the account signs.
    pub fn signing_hash(&self) -> B256 {
        keccak256(self.signing_bytes())
    }

    /// `0x76 || rlp(fields)`: what [`Batch::signing_hash`] is the hash of.
    pub fn signing_bytes(&self) -> Vec<u8> {
        let payload_length = self.fields_length();
        let mut out = Vec::with_capacity(payload_length + 6);
        out.push(SignedBatch::TYPE);
        Header { list: true, payload_length }.encode(&mut out);
        self.encode_fields(&mut out);
        out
    }

    fn fields_length(&self) -> usize {
        // One byte each: nonce key, fee token, fee payer, authorizations.
        let empty = 4;
        self.chain_id.length()
            + self.max_priority_fee_per_gas.length()
            + self.max_fee_per_gas.length()
            + self.gas_limit.length()
            + self.calls.length()
            + self.access_list.length()
            + self.nonce.length()
            + self.window.before.length()
            + self.window.after.length()
            + empty
    }

    fn encode_fields(&self, out: &mut dyn BufMut) {
        self.chain_id.encode(out);
        self.max_priority_fee_per_gas.encode(out);
        self.max_fee_per_gas.encode(out);
        self.gas_limit.encode(out);
        self.calls.encode(out);
        self.access_list.encode(out);
        out.put_u8(EMPTY_STRING_CODE); // nonce key 0
        self.nonce.encode(out);
        self.window.before.encode(out);
        self.window.after.encode(out);
        out.put_u8(EMPTY_STRING_CODE); // fee token
        out.put_u8(EMPTY_STRING_CODE); // fee payer
        out.put_u8(EMPTY_LIST_CODE); // authorizations
    }

    fn decode_fields(buf: &mut &[u8]) -> Result<Self, TxError> {
        let chain_id = field(buf)?;
        let max_priority_fee_per_gas = field(buf)?;
        let max_fee_per_gas = field(buf)?;
        let gas_limit = field(buf)?;
        let calls = calls(field(buf)?)?;
        let access_list = field(buf)?;
        if !field::<U256>(buf)?.is_zero() {
            return Err(BatchError::NonceKey.into());
        }
        let nonce = field(buf)?;
        let window = Window { before: field(buf)?, after: field(buf)? };
        let Window { after, before } = window;
        if before != 0 && before <= after {
            return Err(BatchError::EmptyWindow { after, before }.into());
        }
        empty(buf, EMPTY_STRING_CODE, BatchError::FeeToken)?;
        empty(buf, EMPTY_STRING_CODE, BatchError::FeePayer)?;
        empty(buf, EMPTY_LIST_CODE, BatchError::Authorizations)?;
        // The only field that may be missing. It is a list, and the signature that comes next is not.
        if buf.first().is_some_and(|first| *first >= EMPTY_LIST_CODE) {
            return Err(BatchError::KeyAuthorization.into());
        }
        Ok(Self {
            chain_id,
            max_priority_fee_per_gas,
            max_fee_per_gas,
            gas_limit,
            calls,
            access_list,
            nonce,
            window,
        })
    }
}

fn field<T: Decodable>(buf: &mut &[u8]) -> Result<T, TxError> {
    T::decode(buf).map_err(malformed)
}

fn malformed(error: alloy_rlp::Error) -> TxError {
    TxError::Malformed(error.to_string())
}

/// Takes a field that must be empty.
fn empty(buf: &mut &[u8], code: u8, otherwise: BatchError) -> Result<(), TxError> {
    match **buf {
        [] => Err(malformed(alloy_rlp::Error::InputTooShort)),
        [first, ref rest @ ..] if first == code => {
            *buf = rest;
            Ok(())
        }
        _ => Err(otherwise.into()),
    }
}

fn calls(wire: Vec<WireCall>) -> Result<Vec<Call>, BatchError> {
    if wire.is_empty() {
        return Err(BatchError::NoCalls);
    }
    let call = |(index, WireCall { to, value, input })| match to {
        TxKind::Call(to) => Ok(Call { to, value, input }),
        TxKind::Create => Err(BatchError::Create(index)),
    };
    wire.into_iter().enumerate().map(call).collect()
}

/// A batch with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBatch {
    /// What was signed. Its first call exists.
    pub batch: Batch,
    /// The account's signature.
    pub signature: BatchSignature,
}

impl SignedBatch {
    /// The first byte.
    pub const TYPE: u8 = 0x76;

    /// The bytes that are sent: `0x76 || rlp(fields, signature)`.
    pub fn encoded_2718(&self) -> Vec<u8> {
        let signature = self.signature.to_bytes();
        let payload_length = self.batch.fields_length() + signature.length();
        let mut out = Vec::with_capacity(payload_length + 6);
        out.push(Self::TYPE);
        Header { list: true, payload_length }.encode(&mut out);
        self.batch.encode_fields(&mut out);
        signature.encode(&mut out);
        out
    }

    /// Decodes what follows the first byte, and leaves what follows the batch.
    ///
    /// # Errors
    /// - [`TxError::Malformed`]: the RLP is broken or not canonical.
    /// - [`TxError::Batch`]: outside of the accepted subset; the first field that is.
    pub fn decode(buf: &mut &[u8]) -> Result<Self, TxError> {
        let mut payload = Header::decode_bytes(buf, true).map_err(malformed)?;
        let batch = Batch::decode_fields(&mut payload)?;
        let signature = Header::decode_bytes(&mut payload, false).map_err(malformed)?;
        if !payload.is_empty() {
            return Err(malformed(alloy_rlp::Error::UnexpectedLength));
        }
        let signature = BatchSignature::from_bytes(signature)?;
        Ok(Self { batch, signature })
    }

    /// The account that signed.
    ///
    /// # Errors
    /// - [`SignatureError`]: what is wrong with the signature.
    pub fn recover_signer(&self) -> Result<Address, SignatureError> {
        self.signature.recover(self.batch.signing_hash())
    }

    /// The key that signed on behalf of the account; `None` where the account itself signed. For a batch
    /// whose signer was recovered before.
    ///
    /// # Errors
    /// - [`SignatureError::NoAccount`]: the signature gives no key.
    pub fn key_of_account(&self) -> Result<Option<Address>, SignatureError> {
        self.signature.key_of_account(self.batch.signing_hash())
    }

    fn first(&self) -> &Call {
        &self.batch.calls[0]
    }
}

impl Typed2718 for SignedBatch {
    fn ty(&self) -> u8 {
        Self::TYPE
    }
}

/// As clients see it that know one call per transaction: receiver, value and input are the first call's.
impl Transaction for SignedBatch {
    fn chain_id(&self) -> Option<u64> {
        Some(self.batch.chain_id)
    }
    fn nonce(&self) -> u64 {
        self.batch.nonce
    }
    fn gas_limit(&self) -> u64 {
        self.batch.gas_limit
    }
    fn gas_price(&self) -> Option<u128> {
        None
    }
    fn max_fee_per_gas(&self) -> u128 {
        self.batch.max_fee_per_gas
    }
    fn max_priority_fee_per_gas(&self) -> Option<u128> {
        Some(self.batch.max_priority_fee_per_gas)
    }
    fn max_fee_per_blob_gas(&self) -> Option<u128> {
        None
    }
    fn priority_fee_or_price(&self) -> u128 {
        self.batch.max_priority_fee_per_gas
    }
    fn effective_gas_price(&self, base_fee: Option<u64>) -> u128 {
        let (most, tip) = (self.batch.max_fee_per_gas, self.batch.max_priority_fee_per_gas);
        base_fee.map_or(most, |base| u128::from(base).saturating_add(tip).min(most))
    }
    fn is_dynamic_fee(&self) -> bool {
        true
    }
    fn kind(&self) -> TxKind {
        TxKind::Call(self.first().to)
    }
    fn is_create(&self) -> bool {
        false
    }
    fn value(&self) -> U256 {
        self.first().value
    }
    fn input(&self) -> &Bytes {
        &self.first().input
    }
    fn access_list(&self) -> Option<&AccessList> {
        Some(&self.batch.access_list)
    }
    fn blob_versioned_hashes(&self) -> Option<&[B256]> {
        None
    }
    fn authorization_list(&self) -> Option<&[SignedAuthorization]> {
        None
    }
}
