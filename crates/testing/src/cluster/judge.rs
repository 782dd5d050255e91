//! What must hold after every fault.

use std::{collections::BTreeMap, time::Duration};

use alloy_primitives::{B256, Bytes};
use serde_json::{Value, json};
use tulou_client::ClientError;

use super::{Cluster, wait_until};

/// Blocks asked for in one request.
const BATCH: u64 = 50;
/// How long members may take to be level before they are compared.
const LEVEL: Duration = Duration::from_secs(60);

/// A receipt as a sender was shown it.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    /// Hash of the transaction.
    pub hash: B256,
    /// Height of its block.
    pub height: u64,
    /// Everything that the node said.
    pub content: Value,
}

impl Cluster {
    /// Compares the blocks of all running members at every height that they have in common and that
    /// was not compared before: no fork, equal state roots. Returns the height.
    ///
    /// # Panics
    /// Where two differ, or one cannot be asked.
    pub fn expect_no_fork(&self) -> u64 {
        let heights: BTreeMap<usize, u64> =
            (0..self.len()).filter_map(|m| self.height(m).map(|height| (m, height))).collect();
        let common = heights.values().copied().min().expect("somebody answers");
        let mut from = self.compared.get() + 1;
        while from <= common {
            let until = common.min(from + BATCH - 1);
            let mut expected: Option<(usize, Vec<(Value, Value)>)> = None;
            for member in heights.keys() {
                let found = self.blocks(*member, from, until);
                match &expected {
                    None => expected = Some((*member, found)),
                    Some((other, blocks)) => assert_eq!(
                        &found, blocks,
                        "members {member} and {other} differ between {from} and {until}"
                    ),
                }
            }
            from = until + 1;
        }
        self.compared.set(self.compared.get().max(common));
        common
    }

    /// Hash and state root of blocks.
    fn blocks(&self, member: usize, from: u64, until: u64) -> Vec<(Value, Value)> {
        let calls: Vec<(&str, Value)> = (from..=until)
            .map(|height| ("eth_getBlockByNumber", json!([format!("{height:#x}"), false])))
            .collect();
        let blocks = self.rpc(member).batch(&calls).unwrap_or_else(|e| panic!("{member}: {e}"));
        blocks
            .into_iter()
            .map(|block| (block["hash"].clone(), block["stateRoot"].clone()))
            .collect()
    }

    /// Every receipt that a sender was shown is at these members as it was shown, in the same block.
    ///
    /// # Panics
    /// Where one is lost or altered, or a member does not come as far.
    pub fn expect_all_there(&self, members: &[usize], receipts: &[Receipt]) {
        let highest = receipts.iter().map(|receipt| receipt.height).max().unwrap_or_default();
        for member in members {
            let level = self.wait_for_height(*member, highest, LEVEL);
            assert!(level.is_some(), "member {member} does not come to {highest}");
            for part in receipts.chunks(BATCH as usize) {
                let calls: Vec<(&str, Value)> = part
                    .iter()
                    .map(|receipt| ("eth_getTransactionReceipt", json!([receipt.hash])))
                    .collect();
                let found = self.rpc(*member).batch(&calls).expect("the member answers");
                for (receipt, found) in part.iter().zip(found) {
                    assert_eq!(found, receipt.content, "member {member}, {}", receipt.hash);
                }
            }
        }
    }

    /// No fork, nothing lost, everybody level: what holds when a fault is over.
    ///
    /// # Panics
    /// Where it does not.
    pub fn expect_whole(&self, receipts: &[Receipt]) {
        let all: Vec<usize> = (0..self.len()).collect();
        for member in &all {
            assert!(
                self.wait_until_level(*member, LEVEL).is_some(),
                "member {member} is at {:?}, others at {}",
                self.height(*member),
                self.highest()
            );
        }
        self.expect_all_there(&all, receipts);
        self.expect_no_fork();
    }

    /// Waits until the ledger goes on beyond `height` at any of these members.
    pub fn wait_for_progress(
        &self,
        members: &[usize],
        height: u64,
        patience: Duration,
    ) -> Option<Duration> {
        wait_until(patience, || {
            members.iter().any(|member| self.height(*member).is_some_and(|now| now > height))
        })
    }

    /// The report of a member about the consortium.
    ///
    /// # Errors
    /// The member does not answer.
    pub fn report(&self, member: usize) -> Result<Value, ClientError> {
        self.rpc(member).call("tulou_consortium", json!([]))
    }

    /// Keys that signed the certificate of a height, as a member has it.
    ///
    /// # Panics
    /// Where it has none, or the certificate is not in its documented form.
    pub fn signers(&self, member: usize, height: u64) -> Vec<B256> {
        let answer = self
            .rpc(member)
            .call("tulou_getFinality", json!([format!("{height:#x}")]))
            .expect("a certificate");
        let text = answer["certificate"].as_str().expect("a certificate");
        let bytes: Bytes = text.parse().expect("hexadecimal");
        let mut keys: Vec<B256> = (0..self.plan.validators).map(|m| self.key(m)).collect();
        keys.sort_unstable();
        signer_places(&bytes, keys.len()).into_iter().map(|place| keys[place]).collect()
    }
}

/// Places of the signers in the ascending set, read from the certificate's bytes as
/// `crates/consensus/README.md` gives them.
fn signer_places(certificate: &[u8], validators: usize) -> Vec<usize> {
    let mut rest = certificate;
    // Epoch, view and the parent's view; then the block's hash.
    for _ in 0..3 {
        let end = rest.iter().position(|byte| byte & 0x80 == 0).expect("the number ends");
        rest = &rest[end + 1..];
    }
    let (size, bits) = rest[32..].split_first_chunk::<8>().expect("the size of the set");
    assert_eq!(u64::from_be_bytes(*size), validators as u64, "the certificate is of another set");
    (0..validators).filter(|i| bits[i / 8] >> (i % 8) & 1 == 1).collect()
}
