//! A small ledger with fixed keys: twelve pages in three epochs of four, and a set that changes.

use alloy_consensus::{Eip658Value, Receipt};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, Log, U256, keccak256};
use alloy_rlp::Encodable;
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles, TrieAccount, proof::ProofRetainer};
use ed25519_zebra::{SigningKey, VerificationKey};
use tulou_primitives::{Header, ReceiptEnvelope, TxType, epoch_of, is_epoch_end, validators_hash};
use tulou_proofs::{
    AccountProof, EpochLink, KeySheet, PageProof, ReceiptProof, SlotProof, mapping_slot, namespace,
    quorum,
};

pub(crate) const CHAIN: u64 = 7755;
pub(crate) const EPOCH: u64 = 4;
/// Pages after the first.
pub(crate) const HEAD: u64 = 14;
/// Receipts on each page.
pub(crate) const RECEIPTS: usize = 140;
/// An account with a balance, and a contract with slots.
pub(crate) const HOLDER: Address = Address::repeat_byte(0xa1);
pub(crate) const TALLY: Address = Address::repeat_byte(0x77);
pub(crate) const NOBODY: Address = Address::repeat_byte(0x0e);

fn signer(n: u8) -> SigningKey {
    SigningKey::from(keccak256([b"tulou vector validator ".as_slice(), &[n]].concat()).0)
}

pub(crate) fn key_of(n: u8) -> B256 {
    B256::from(<[u8; 32]>::from(VerificationKey::from(&signer(n))))
}

/// Members of the set of an epoch: one joins in epoch 2, one leaves in epoch 3.
fn members(epoch: u64) -> Vec<u8> {
    match epoch {
        0 | 1 => vec![0, 1, 2, 3],
        2 => vec![0, 1, 2, 3, 4],
        _ => vec![1, 2, 3, 4],
    }
}

/// The set of an epoch, ascending by key.
pub(crate) fn set(epoch: u64) -> Vec<B256> {
    sorted(&members(epoch)).into_iter().map(key_of).collect()
}

fn sorted(members: &[u8]) -> Vec<u8> {
    let mut members = members.to_vec();
    members.sort_by_key(|n| key_of(*n));
    members
}

/// Root of a trie, and the paths to some of its keys.
fn trie(leaves: Vec<(Vec<u8>, Vec<u8>)>, wanted: &[Vec<u8>]) -> (B256, Vec<Vec<Bytes>>) {
    let mut leaves: Vec<_> =
        leaves.into_iter().map(|(key, value)| (Nibbles::unpack(key), value)).collect();
    leaves.sort();
    let mut root = EMPTY_ROOT_HASH;
    let mut paths = Vec::new();
    for key in wanted.iter().map(Some).chain([None]) {
        let targets = key.iter().map(|key| Nibbles::unpack(key)).collect();
        let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(targets));
        leaves.iter().for_each(|(key, value)| builder.add_leaf(*key, value));
        root = builder.root();
        let nodes = builder.take_proof_nodes().into_nodes_sorted();
        if key.is_some() {
            paths.push(nodes.into_iter().map(|(_, node)| node).collect());
        }
    }
    (root, paths)
}

fn rlp(value: &impl Encodable) -> Vec<u8> {
    alloy_rlp::encode(value)
}

/// Receipt at a place of a page: odd ones were refused, the third says what was decided.
pub(crate) fn receipt(height: u64, index: usize) -> Bytes {
    let events = if index == 3 {
        let topics = vec![keccak256("Decided(uint64)"), B256::with_last_byte(height as u8)];
        vec![Log::new_unchecked(TALLY, topics, Bytes::from(vec![9; 64]))]
    } else {
        Vec::new()
    };
    let receipt = Receipt {
        status: Eip658Value::Eip658(index % 2 == 1),
        cumulative_gas_used: 21_000 * (index as u64 + 1),
        logs: events,
    };
    ReceiptEnvelope::from_typed(TxType::Eip1559, receipt).encoded_2718().into()
}

fn receipts(height: u64, wanted: &[usize]) -> (B256, Vec<Vec<Bytes>>) {
    let leaves = (0..RECEIPTS).map(|i| (rlp(&i), receipt(height, i).to_vec())).collect();
    trie(leaves, &wanted.iter().map(rlp).collect::<Vec<_>>())
}

/// What stands for a transaction: to a reader it is bytes with a hash.
pub(crate) fn transaction(height: u64, index: usize) -> Bytes {
    [&[2, height as u8], &(index as u64).to_be_bytes()[..], &[0x5a; 90]].concat().into()
}

fn transactions(height: u64, wanted: &[usize]) -> (B256, Vec<Vec<Bytes>>) {
    let leaves = (0..RECEIPTS).map(|i| (rlp(&i), transaction(height, i).to_vec())).collect();
    trie(leaves, &wanted.iter().map(rlp).collect::<Vec<_>>())
}

/// Slots of the contract: a mapping at slot 0 with thirty entries, and a count at slot 1.
pub(crate) fn slots(height: u64) -> Vec<(U256, U256)> {
    let entry =
        |n: u64| (mapping_slot(B256::from(U256::from(n)), U256::ZERO), U256::from(n * height));
    let mut slots: Vec<_> = (1..=30).map(entry).filter(|(_, value)| !value.is_zero()).collect();
    slots.push((U256::from(1), U256::from(30)));
    slots
}

fn storage(height: u64, wanted: &[U256]) -> (B256, Vec<Vec<Bytes>>) {
    let hashed = |key: &U256| keccak256(B256::from(*key)).to_vec();
    let leaves = slots(height).iter().map(|(key, value)| (hashed(key), rlp(value))).collect();
    trie(leaves, &wanted.iter().map(hashed).collect::<Vec<_>>())
}

fn accounts(height: u64, wanted: &[Address]) -> (B256, Vec<Vec<Bytes>>) {
    let plain = |balance: u64| TrieAccount {
        nonce: 1,
        balance: U256::from(balance),
        storage_root: EMPTY_ROOT_HASH,
        code_hash: KECCAK256_EMPTY,
    };
    let contract = TrieAccount { storage_root: storage(height, &[]).0, ..plain(0) };
    let mut all = vec![(HOLDER, plain(1_000_000 + height)), (TALLY, contract)];
    all.extend((0..40).map(|n| (Address::with_last_byte(n), plain(u64::from(n)))));
    let hashed = |address: &Address| keccak256(address).to_vec();
    let leaves = all.iter().map(|(address, account)| (hashed(address), rlp(account))).collect();
    trie(leaves, &wanted.iter().map(hashed).collect::<Vec<_>>())
}

/// All pages.
pub(crate) struct Estate {
    pub(crate) headers: Vec<Header>,
    pub(crate) chain_id: u64,
}

impl Estate {
    /// The estate of the vectors, or another one.
    pub(crate) fn new(chain_id: u64) -> Self {
        let mut headers: Vec<Header> = Vec::new();
        for height in 0..=HEAD {
            let mut header = Header {
                parent_hash: headers.last().map_or(B256::ZERO, Header::hash_slow),
                number: height,
                timestamp: 1_790_000_000 + 5 * height,
                gas_limit: 100_000_000,
                base_fee_per_gas: Some(0),
                state_root: accounts(height, &[]).0,
                receipts_root: receipts(height, &[]).0,
                transactions_root: transactions(height, &[]).0,
                ..Default::default()
            };
            if is_epoch_end(height, EPOCH) {
                let next = epoch_of(height, EPOCH) + 1;
                header.extra_data = validators_hash(next, &set(next)).to_vec().into();
            }
            headers.push(header);
        }
        Self { headers, chain_id }
    }

    pub(crate) fn genesis(&self) -> B256 {
        self.headers[0].hash_slow()
    }

    pub(crate) fn sheet(&self) -> KeySheet {
        KeySheet::new(self.chain_id, self.genesis(), EPOCH, 0, set(0)).unwrap()
    }

    pub(crate) fn header(&self, height: u64) -> Bytes {
        rlp(&self.headers[height as usize]).into()
    }

    /// Certificate of a page, by a quorum of its epoch.
    pub(crate) fn certificate(&self, height: u64) -> Bytes {
        let epoch = epoch_of(height, EPOCH);
        let members = sorted(&members(epoch));
        let signers: Vec<usize> = (0..quorum(members.len())).collect();
        self.signed(epoch, self.headers[height as usize].hash_slow(), &members, &signers)
    }

    /// Certificate of anything, by these places of these members.
    pub(crate) fn signed(
        &self,
        epoch: u64,
        digest: B256,
        members: &[u8],
        places: &[usize],
    ) -> Bytes {
        let space = namespace(self.chain_id, self.genesis());
        certificate(&space, epoch, digest, members, places)
    }

    pub(crate) fn page(&self, height: u64) -> PageProof {
        let (header, certificate) = (self.header(height), self.certificate(height));
        PageProof { header, certificate, links: Vec::new() }
    }

    /// A page that has only the certificate of a later one.
    pub(crate) fn linked(&self, height: u64, certified: u64) -> PageProof {
        let links = (height + 1..=certified).map(|height| self.header(height)).collect();
        PageProof { header: self.header(height), certificate: self.certificate(certified), links }
    }

    pub(crate) fn receipt(&self, height: u64, index: usize) -> ReceiptProof {
        ReceiptProof {
            page: self.page(height),
            index: index as u64,
            receipt: receipt(height, index),
            proof: receipts(height, &[index]).1.remove(0),
            transaction: transaction(height, index),
            transaction_proof: transactions(height, &[index]).1.remove(0),
        }
    }

    pub(crate) fn account(
        &self,
        height: u64,
        address: Address,
        balance: u64,
        keys: &[U256],
    ) -> AccountProof {
        let value = |key: &U256| slots(height).iter().find(|(k, _)| k == key).map(|(_, v)| *v);
        let paths = if address == TALLY { storage(height, keys).1 } else { Vec::new() };
        let storage_proof = keys.iter().zip(paths);
        let storage_proof = storage_proof
            .map(|(key, proof)| SlotProof {
                key: *key,
                value: value(key).unwrap_or_default(),
                proof,
            })
            .collect();
        let account_proof = accounts(height, &[address]).1.remove(0);
        AccountProof { address, balance: U256::from(balance), account_proof, storage_proof }
    }

    pub(crate) fn link(&self, epoch: u64) -> EpochLink {
        let end = (epoch + 1) * EPOCH - 1;
        let (header, certificate) = (self.header(end), self.certificate(end));
        EpochLink { epoch, header, certificate, next: set(epoch + 1) }
    }
}

pub(crate) fn members_of(epoch: u64) -> Vec<u8> {
    sorted(&members(epoch))
}

fn certificate(space: &[u8], epoch: u64, digest: B256, members: &[u8], places: &[usize]) -> Bytes {
    let mut proposal = Vec::new();
    // A view of two bytes, its parent, the digest.
    for mut number in [epoch, 300, 299] {
        while number >= 0x80 {
            proposal.push(number as u8 | 0x80);
            number >>= 7;
        }
        proposal.push(number as u8);
    }
    proposal.extend_from_slice(digest.as_slice());
    let space = [space, b"_FINALIZE"].concat();
    let message = [&[space.len() as u8], &space[..], &proposal].concat();
    let mut bits = vec![0u8; members.len().div_ceil(8)];
    places.iter().for_each(|place| bits[place / 8] |= 1 << (place % 8));
    let mut out = proposal;
    out.extend_from_slice(&(members.len() as u64).to_be_bytes());
    out.extend_from_slice(&bits);
    out.push(places.len() as u8);
    for &place in places {
        out.extend_from_slice(&signer(members[place]).sign(&message).to_bytes());
    }
    out.into()
}

/// A certificate of `n` validators, to measure.
pub(crate) fn certificate_of(n: u8) -> Bytes {
    let members = sorted(&(0..n).collect::<Vec<_>>());
    let places: Vec<usize> = (0..quorum(members.len())).collect();
    certificate(&namespace(CHAIN, B256::ZERO), 0, B256::ZERO, &members, &places)
}
