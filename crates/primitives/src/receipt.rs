//! The receipt of a transaction of any type.

use alloy_consensus::{Eip658Value, Receipt, ReceiptWithBloom, Typed2718};
use alloy_eips::Encodable2718;
use alloy_primitives::{Bloom, Log};
use alloy_rlp::{BufMut, Decodable, EMPTY_LIST_CODE, Encodable};
use serde::{Serialize, Serializer};

use crate::TxType;

/// A receipt with the type of its transaction: `rlp(status, cumulative gas, bloom, events)`, after the
/// byte of the type where it has one (EIP-2718).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceiptEnvelope<L = Log> {
    #[serde(rename = "type", serialize_with = "quantity")]
    kind: TxType,
    #[serde(flatten)]
    receipt: ReceiptWithBloom<Receipt<L>>,
}

fn quantity<S: Serializer>(kind: &TxType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{:#x}", *kind as u8))
}

impl<L> ReceiptEnvelope<L> {
    /// The receipt of a transaction of this type.
    pub fn from_typed(
        kind: impl Into<TxType>,
        receipt: impl Into<ReceiptWithBloom<Receipt<L>>>,
    ) -> Self {
        Self { kind: kind.into(), receipt: receipt.into() }
    }

    /// The type of the transaction.
    pub fn tx_type(&self) -> TxType {
        self.kind
    }

    /// Whether the transaction went through.
    pub fn status(&self) -> bool {
        self.status_or_post_state().coerce_status()
    }

    /// Whether the transaction went through.
    pub fn is_success(&self) -> bool {
        self.status()
    }

    /// The status, or the state's root in receipts of Ethereum's first years.
    pub fn status_or_post_state(&self) -> Eip658Value {
        self.receipt.receipt.status
    }

    /// Gas of this transaction and those before it in the block.
    pub fn cumulative_gas_used(&self) -> u64 {
        self.receipt.receipt.cumulative_gas_used
    }

    /// The events.
    pub fn logs(&self) -> &[L] {
        &self.receipt.receipt.logs
    }

    /// Bloom filter over the events.
    pub fn logs_bloom(&self) -> &Bloom {
        &self.receipt.logs_bloom
    }
}

impl ReceiptEnvelope {
    /// Decodes one receipt and leaves what follows it.
    ///
    /// # Errors
    /// - [`alloy_rlp::Error`]: no receipt begins here, or one of an unknown type.
    pub fn decode_2718(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        let kind = match *buf {
            [] => return Err(alloy_rlp::Error::InputTooShort),
            [first, ..] if *first >= EMPTY_LIST_CODE => TxType::Legacy,
            [first, rest @ ..] => {
                *buf = rest;
                TxType::try_from(*first)
                    .ok()
                    .filter(|kind| *kind != TxType::Legacy)
                    .ok_or(alloy_rlp::Error::Custom("unknown transaction type"))?
            }
        };
        Ok(Self { kind, receipt: ReceiptWithBloom::decode(buf)? })
    }
}

impl<L> Typed2718 for ReceiptEnvelope<L> {
    fn ty(&self) -> u8 {
        self.kind as u8
    }
}

impl Encodable2718 for ReceiptEnvelope {
    fn encode_2718_len(&self) -> usize {
        usize::from(!self.is_legacy()) + self.receipt.length()
    }

    fn encode_2718(&self, out: &mut dyn BufMut) {
        if !self.is_legacy() {
            out.put_u8(self.kind as u8);
        }
        self.receipt.encode(out);
    }
}
