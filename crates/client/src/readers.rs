//! Reading from several nodes of which some may lie: what is proven counts, and who lied is named.

use std::fmt;

use alloy_primitives::{Address, B256, U256};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tulou_proofs::{
    AccountProof, EpochLink, Head, KeySheet, LightClient, Page, PageProof, ProofError,
    ProvenAccount, ProvenReceipt, ReceiptProof, mapping_slot,
};

use crate::{ClientError, Rpc};

/// Seconds by which the newest page of a node may be older than that of another, or than the clock. An
/// idle ledger makes a page every few seconds.
const BEHIND_S: u64 = 60;
/// Most epochs that are followed in one go.
const EPOCHS_MAX: u64 = 100_000;
/// Slot of the balances in the storage of an asset (`modules/money`).
const BALANCES: U256 = U256::from_limbs([3, 0, 0, 0]);

/// What a node did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Its page is certified and new.
    Agrees {
        /// Height of the page.
        height: u64,
    },
    /// Certified, but old: an old page as the newest.
    Behind {
        /// Height of the page.
        height: u64,
        /// Seconds by which it is older than the newest page of all.
        seconds: u64,
    },
    /// What it showed proves nothing.
    Altered(ProofError),
    /// It keeps another ledger, and says so.
    OtherLedger {
        /// Hash of that ledger's first page.
        genesis: B256,
    },
    /// Certified, and contradicts another certified page: the validators signed two pages of one
    /// height. Whoever shows this is not the only one to blame.
    Forked {
        /// The height.
        height: u64,
        /// Hash of this node's page.
        hash: B256,
    },
    /// It says that it does not have what was asked.
    Refused(String),
    /// It does not answer, or not in the protocol.
    Silent(String),
}

impl Finding {
    /// Whether the node misled the reader: altered, old as new, or a fork.
    pub fn is_lie(&self) -> bool {
        matches!(self, Self::Behind { .. } | Self::Altered(_) | Self::Forked { .. })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agrees { height } => write!(f, "page {height} holds"),
            Self::Behind { height, seconds } => {
                write!(
                    f,
                    "shows page {height}, {seconds} seconds older than the newest, as the newest"
                )
            }
            Self::Altered(error) => {
                write!(f, "shows what was never certified ({}: {error})", error.step().name())
            }
            Self::OtherLedger { genesis } => {
                write!(f, "keeps another ledger, which begins with {genesis}")
            }
            Self::Forked { height, hash } => {
                write!(
                    f,
                    "shows a second certified page {height}, {hash}: the validators signed two"
                )
            }
            Self::Refused(reason) => write!(f, "does not have it: {reason}"),
            Self::Silent(reason) => write!(f, "no answer: {reason}"),
        }
    }
}

/// A node and what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeReport {
    /// Its address.
    pub url: String,
    /// What it did.
    pub finding: Finding,
}

/// The newest pages of all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadReport {
    /// The newest certified page; `None` where no node showed one.
    pub head: Option<Head>,
    /// Seconds by which even that page is older than the reader's clock, where that is too much.
    pub stale_s: Option<u64>,
    /// Every node that was asked, and every wrong link on the way.
    pub nodes: Vec<NodeReport>,
}

/// What a question to all nodes brought.
#[derive(Clone, Debug)]
pub struct Answered<T> {
    /// The first answer that is proven.
    pub found: Option<T>,
    /// Every node that was asked.
    pub nodes: Vec<NodeReport>,
}

/// Several nodes and one light client.
#[derive(Debug)]
pub struct Readers {
    client: LightClient,
    nodes: Vec<Rpc>,
}

impl Readers {
    /// Begins with a key sheet. `nodes` are asked in this order.
    pub fn new(sheet: KeySheet, nodes: Vec<Rpc>) -> Self {
        Self { client: LightClient::new(sheet), nodes }
    }

    /// What is known so far: epoch, validators, newest page.
    pub fn client(&self) -> &LightClient {
        &self.client
    }

    /// Asks all nodes for their newest page and says of each what it did. `now` is the reader's clock in
    /// seconds since 1970.
    pub fn heads(&mut self, now: u64) -> HeadReport {
        let mut nodes = Vec::new();
        let mut pages: Vec<(usize, Head)> = Vec::new();
        for place in 0..self.nodes.len() {
            let answer = self.ask::<PageProof>(place, "tulou_getFinality", json!(["latest"]));
            let judged = answer.and_then(|(raw, proof)| {
                let page = self.judge(place, &mut nodes, |client| client.page(&proof));
                page.map_err(|error| self.refuted(&raw, error))
            });
            let finding = match judged {
                Ok(page) => {
                    pages.push((nodes.len(), head_of(&page)));
                    Finding::Agrees { height: page.header.number }
                }
                Err(finding) => finding,
            };
            nodes.push(NodeReport { url: self.nodes[place].url().to_owned(), finding });
        }
        let head = pages.iter().map(|(_, head)| *head).max_by_key(|head| head.height);
        // A page seen earlier counts as well: nobody goes back behind it.
        let newest = self.client.head().map_or(0, |head| head.timestamp);
        for (place, page) in &pages {
            let height = page.height;
            let twin =
                pages.iter().any(|(_, other)| other.height == height && other.hash != page.hash);
            let seconds = newest.saturating_sub(page.timestamp);
            if twin {
                nodes[*place].finding = Finding::Forked { height, hash: page.hash };
            } else if seconds > BEHIND_S {
                nodes[*place].finding = Finding::Behind { height, seconds };
            }
        }
        let age = now.saturating_sub(newest);
        let stale_s = (head.is_some() && age > BEHIND_S).then_some(age);
        HeadReport { head, stale_s, nodes }
    }

    /// The receipt of a transaction.
    pub fn receipt(&mut self, transaction: B256) -> Answered<ProvenReceipt> {
        let params = json!([transaction]);
        self.all("tulou_getReceiptProof", &params, |client, proof: &ReceiptProof| {
            client.receipt(transaction, proof)
        })
    }

    /// The page of a height.
    pub fn page(&mut self, height: u64) -> Answered<Page> {
        let params = json!([format!("0x{height:x}")]);
        self.all("tulou_getFinality", &params, |client, proof: &PageProof| {
            let page = client.page(proof)?;
            let found = page.header.number;
            if found == height {
                Ok(page)
            } else {
                Err(ProofError::OtherPage { asked: height, found })
            }
        })
    }

    /// An account and its slots in the state of a page: balances and tallies.
    pub fn account(
        &mut self,
        address: Address,
        slots: &[U256],
        page: &Page,
    ) -> Answered<ProvenAccount> {
        let keys: Vec<B256> = slots.iter().map(|slot| B256::from(*slot)).collect();
        let params = json!([address, keys, format!("0x{:x}", page.header.number)]);
        self.all("eth_getProof", &params, |_, proof: &AccountProof| {
            let asked = proof.storage_proof.iter().map(|slot| slot.key).eq(slots.iter().copied());
            if proof.address != address || !asked {
                return Err(ProofError::OtherAccount("another account or other slots"));
            }
            proof.on(page.clone())
        })
    }

    /// Asks all nodes one question; the first proven answer counts.
    fn all<P: DeserializeOwned, T>(
        &mut self,
        method: &str,
        params: &Value,
        check: impl Fn(&mut LightClient, &P) -> Result<T, ProofError>,
    ) -> Answered<T> {
        let (mut nodes, mut found) = (Vec::new(), None);
        for place in 0..self.nodes.len() {
            let answer = self.ask::<P>(place, method, params.clone());
            let judged = answer.and_then(|(raw, proof)| {
                let value = self.judge(place, &mut nodes, |client| check(client, &proof));
                value.map_err(|error| self.refuted(&raw, error))
            });
            let finding = match judged {
                Ok(value) => {
                    found.get_or_insert(value);
                    Finding::Agrees { height: self.client.head().map_or(0, |head| head.height) }
                }
                Err(finding) => finding,
            };
            nodes.push(NodeReport { url: self.nodes[place].url().to_owned(), finding });
        }
        Answered { found, nodes }
    }

    /// Checks; where the validators of that epoch are not known yet, follows and checks again.
    fn judge<T>(
        &mut self,
        place: usize,
        nodes: &mut Vec<NodeReport>,
        check: impl Fn(&mut LightClient) -> Result<T, ProofError>,
    ) -> Result<T, ProofError> {
        match check(&mut self.client) {
            Err(ProofError::UnknownEpoch { epoch, .. }) if epoch > self.client.epoch() => {
                self.follow(place, epoch, nodes);
                check(&mut self.client)
            }
            done => done,
        }
    }

    /// Follows up to an epoch. The node that speaks of it is asked first: it must know the way. Wrong
    /// links are reported.
    fn follow(&mut self, first: usize, epoch: u64, reports: &mut Vec<NodeReport>) {
        let others = (0..self.nodes.len()).filter(|place| *place != first);
        for place in std::iter::once(first).chain(others) {
            for _ in 0..EPOCHS_MAX {
                if self.client.epoch() >= epoch {
                    return;
                }
                let next = self.client.epoch();
                let Ok((raw, link)) =
                    self.ask::<EpochLink>(place, "tulou_getEpochLink", json!([next]))
                else {
                    break;
                };
                if let Err(error) = self.client.follow(&link) {
                    let finding = self.refuted(&raw, error);
                    reports.push(NodeReport { url: self.nodes[place].url().to_owned(), finding });
                    break;
                }
            }
        }
    }

    fn ask<P: DeserializeOwned>(
        &self,
        place: usize,
        method: &str,
        params: Value,
    ) -> Result<(Value, P), Finding> {
        match self.nodes[place].call(method, params) {
            Ok(Value::Null) => Err(Finding::Refused("not there".into())),
            Ok(raw) => match P::deserialize(&raw) {
                Ok(proof) => Ok((raw, proof)),
                Err(error) => Err(Finding::Silent(format!("not in the protocol: {error}"))),
            },
            Err(ClientError::Refused { message, .. }) => Err(Finding::Refused(message)),
            Err(error) => Err(Finding::Silent(error.to_string())),
        }
    }

    /// A node that says itself that it keeps another ledger is a wrong address and no liar.
    fn refuted(&self, raw: &Value, error: ProofError) -> Finding {
        let genesis = raw["chain"]["genesis"].as_str().and_then(|text| text.parse::<B256>().ok());
        match genesis {
            Some(genesis) if genesis != self.client.sheet().genesis => {
                Finding::OtherLedger { genesis }
            }
            _ => Finding::Altered(error),
        }
    }
}

/// Slot of an account's balance in the storage of an asset's ERC-20, and the balance in it: the lowest
/// eight bytes, in fen.
pub fn balance_slot(account: Address) -> U256 {
    mapping_slot(account.into_word(), BALANCES)
}

fn head_of(page: &Page) -> Head {
    let (height, timestamp) = (page.header.number, page.header.timestamp);
    Head { height, hash: page.hash, timestamp }
}
