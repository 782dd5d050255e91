//! A receipt on a page.

use alloy_primitives::{B256, Bytes, Log, keccak256};
use serde::{Deserialize, Serialize};
use tulou_primitives::ReceiptEnvelope;

use crate::{Page, PageProof, ProofError, trie_value};

/// The answer of `tulou_getReceiptProof`: a page, and the path to a receipt on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptProof {
    /// The page.
    #[serde(flatten)]
    pub page: PageProof,
    /// Place of the transaction on the page, from 0.
    pub index: u64,
    /// EIP-2718 bytes of the receipt.
    pub receipt: Bytes,
    /// Trie nodes from the receipts root to the receipt.
    pub proof: Vec<Bytes>,
    /// EIP-2718 bytes of the transaction. A receipt does not say whose it is; the place does.
    pub transaction: Bytes,
    /// Trie nodes from the transactions root to the transaction.
    pub transaction_proof: Vec<Bytes>,
}

/// A receipt that stands in the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenReceipt {
    /// Its page.
    pub page: Page,
    /// Place on the page, from 0.
    pub index: u64,
    /// Hash of the transaction.
    pub transaction: B256,
    /// keccak256 of the receipt's bytes.
    pub hash: B256,
    /// The receipt: status and events.
    pub receipt: ReceiptEnvelope,
}

impl ReceiptProof {
    /// Finds the receipt on a page that was checked.
    ///
    /// # Errors
    /// In this order: [`ProofError::Path`], [`ProofError::OtherReceipt`], [`ProofError::BadReceipt`],
    /// [`ProofError::TransactionPath`], [`ProofError::OtherTransaction`].
    pub fn on(&self, page: Page) -> Result<ProvenReceipt, ProofError> {
        let key = alloy_rlp::encode(self.index);
        let found = trie_value(page.header.receipts_root, &key, &self.proof);
        if found.map_err(ProofError::Path)?.as_deref() != Some(&self.receipt[..]) {
            return Err(ProofError::OtherReceipt);
        }
        let mut rest = &self.receipt[..];
        let receipt = ReceiptEnvelope::decode_2718(&mut rest)
            .map_err(|e| ProofError::BadReceipt(e.to_string()))?;
        if !rest.is_empty() {
            return Err(ProofError::BadReceipt("bytes left over".into()));
        }
        let found = trie_value(page.header.transactions_root, &key, &self.transaction_proof);
        if found.map_err(ProofError::TransactionPath)?.as_deref() != Some(&self.transaction[..]) {
            return Err(ProofError::OtherTransaction);
        }
        let (transaction, hash) = (keccak256(&self.transaction), keccak256(&self.receipt));
        Ok(ProvenReceipt { page, index: self.index, transaction, hash, receipt })
    }
}

impl ProvenReceipt {
    /// Whether the call went through. A refused call is on the page as well.
    pub fn succeeded(&self) -> bool {
        self.receipt.is_success()
    }

    /// The events, in order.
    pub fn logs(&self) -> &[Log] {
        self.receipt.logs()
    }

    /// keccak256 of the RLP of the list of events.
    pub fn logs_hash(&self) -> B256 {
        keccak256(alloy_rlp::encode(self.receipt.logs().to_vec()))
    }
}
