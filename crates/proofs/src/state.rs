//! Accounts and their slots under the state root of a page.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use serde::{Deserialize, Serialize};

use crate::{Page, PathError, ProofError, trie_value};

/// Most slots in one proof.
const SLOTS_MAX: usize = 1_024;

/// The answer of `eth_getProof` (EIP-1186).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountProof {
    /// The account.
    pub address: Address,
    /// Native balance in wei, as the node says.
    #[serde(default)]
    pub balance: U256,
    /// Trie nodes from the state root to the account.
    pub account_proof: Vec<Bytes>,
    /// The slots that were asked for.
    #[serde(default)]
    pub storage_proof: Vec<SlotProof>,
}

/// One slot of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotProof {
    /// Key of the slot, before it is hashed.
    pub key: U256,
    /// Value, as the node says.
    pub value: U256,
    /// Trie nodes from the account's storage root to the slot.
    pub proof: Vec<Bytes>,
}

/// An account as the book has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenAccount {
    /// The page whose state it is.
    pub page: Page,
    /// The account, `None` where it does not exist.
    pub account: Option<TrieAccount>,
    /// Keys and values of the slots, in the order of the proof; 0 where nothing was written.
    pub slots: Vec<(U256, U256)>,
}

impl AccountProof {
    /// Finds account and slots in the state of a page that was checked.
    ///
    /// # Errors
    /// In this order: [`ProofError::TooLarge`], [`ProofError::AccountPath`], [`ProofError::OtherAccount`],
    /// [`ProofError::SlotPath`], [`ProofError::OtherValue`].
    pub fn on(&self, page: Page) -> Result<ProvenAccount, ProofError> {
        if self.storage_proof.len() > SLOTS_MAX {
            let found = self.storage_proof.len();
            return Err(ProofError::TooLarge { what: "slots", found, max: SLOTS_MAX });
        }
        let key = keccak256(self.address);
        let leaf = trie_value(page.header.state_root, key.as_slice(), &self.account_proof)
            .map_err(ProofError::AccountPath)?;
        let malformed = ProofError::AccountPath(PathError::Malformed(0));
        let account = match leaf {
            Some(leaf) => Some(strict::<TrieAccount>(&leaf).ok_or(malformed)?),
            None => None,
        };
        if account.map_or(U256::ZERO, |account| account.balance) != self.balance {
            return Err(ProofError::OtherAccount("balance"));
        }
        let root = account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        let slots =
            self.storage_proof.iter().map(|slot| slot.under(root)).collect::<Result<_, _>>()?;
        Ok(ProvenAccount { page, account, slots })
    }
}

impl SlotProof {
    fn under(&self, root: B256) -> Result<(U256, U256), ProofError> {
        let slot = B256::from(self.key);
        let wrong = |reason| ProofError::SlotPath { slot, reason };
        let leaf = trie_value(root, keccak256(slot).as_slice(), &self.proof).map_err(wrong)?;
        let value = match leaf {
            Some(leaf) => strict::<U256>(&leaf).ok_or_else(|| wrong(PathError::Malformed(0)))?,
            None => U256::ZERO,
        };
        if value != self.value {
            return Err(ProofError::OtherValue(slot));
        }
        Ok((self.key, value))
    }
}

/// Decodes RLP with nothing after it.
fn strict<T: Decodable>(bytes: &[u8]) -> Option<T> {
    let mut rest = bytes;
    let value = T::decode(&mut rest).ok()?;
    rest.is_empty().then_some(value)
}

/// Slot of a mapping's value in Solidity's layout: keccak256 of the key and the mapping's own slot.
pub fn mapping_slot(key: B256, slot: U256) -> U256 {
    keccak256([key.as_slice(), &slot.to_be_bytes::<32>()].concat()).into()
}
