//! The first page of a ledger: its state and its block.

use std::collections::btree_map::Entry;

use alloy_primitives::{Address, B256, Bytes, LogData, U256, keccak256};
use alloy_rlp::{Encodable, RlpEncodable};
use tulou_primitives::{
    AccountChange, AccountState, Block, ChangeSet, Genesis, Share, filler_account,
};
use tulou_slots::{Fault, Host, Memory, Res};

use crate::{
    header::empty_header,
    national,
    provider::{MARKER, Natives, is_code, marker_hash},
};

/// First words of what the genesis hash commits to; changes with the encoding.
const DOMAIN: &str = "tulou genesis 1";

/// The state before the first block: the accounts of the file, the native addresses, and what the
/// modules write.
///
/// # Errors
/// In words, in this order: an account of the file at a native address, or with code that no account
/// can have; whatever the modules refuse (an unknown pack, an unknown office).
pub fn genesis_changes(genesis: &Genesis) -> Result<ChangeSet, String> {
    let mut changes = ChangeSet::default();
    for (address, account) in &genesis.accounts {
        if (Natives::STANDARD.route)(address).is_some() || national::is_precompile(address) {
            return Err(format!("account {address} belongs to native code"));
        }
        if !is_code(&account.code) {
            return Err(format!("account {address} has code that cannot be"));
        }
        let code_hash = keccak256(&account.code);
        let state = AccountState { nonce: account.nonce, balance: account.balance, code_hash };
        if !account.code.is_empty() {
            changes.code.insert(code_hash, account.code.clone());
        }
        let storage = account.storage.iter().filter(|(_, value)| !value.is_zero());
        let storage = storage.map(|(slot, value)| (*slot, *value)).collect();
        let change = AccountChange { wipe: false, state: Some(state), storage };
        changes.accounts.insert(*address, change);
    }
    for index in 0..genesis.filler {
        let state = AccountState { balance: U256::from(1), ..Default::default() };
        let change = AccountChange { state: Some(state), ..Default::default() };
        changes.accounts.entry(filler_account(index)).or_insert(change);
    }
    let memory = modules_state(genesis)?;
    for address in memory.marked {
        mark(&mut changes, address)?;
    }
    for ((address, slot), value) in memory.slots {
        match changes.accounts.entry(address) {
            Entry::Occupied(mut entry) => entry.get_mut().storage.insert(slot, value),
            Entry::Vacant(_) => return Err(format!("{address} has storage and is not marked")),
        };
    }
    Ok(changes)
}

/// Makes an address native: nonce 1 and one byte of code.
fn mark(changes: &mut ChangeSet, address: Address) -> Result<(), String> {
    let state = AccountState { nonce: 1, balance: U256::ZERO, code_hash: marker_hash() };
    let change = AccountChange { wipe: false, state: Some(state), storage: Default::default() };
    if changes.accounts.insert(address, change).is_some() {
        return Err(format!("account {address} belongs to native code"));
    }
    changes.code.insert(marker_hash(), Bytes::from_static(&MARKER));
    Ok(())
}

/// What the modules hold before the first block.
fn modules_state(genesis: &Genesis) -> Result<Memory, String> {
    let mut memory = Memory::default();
    memory.now = genesis.timestamp;
    let mut host = Beginning { memory, chain_id: genesis.chain_id };
    for address in (Natives::STANDARD.warm)() {
        host.memory.marked.insert(address);
    }
    tulou_modules::genesis(&mut host, genesis).map_err(|fault| match fault {
        Fault::Fatal(reason) => reason,
        Fault::Revert(data) => format!("genesis was refused: {data}"),
        Fault::OutOfGas => "genesis ran out of gas".into(),
    })?;
    Ok(host.memory)
}

/// The in-memory machine with the ledger's own chain id.
struct Beginning {
    memory: Memory,
    chain_id: u64,
}

impl Host for Beginning {
    fn sload(&mut self, at: Address, slot: U256) -> Res<U256> {
        self.memory.sload(at, slot)
    }
    fn sstore(&mut self, at: Address, slot: U256, value: U256) -> Res<()> {
        self.memory.sstore(at, slot, value)
    }
    fn log(&mut self, at: Address, data: LogData) -> Res<()> {
        self.memory.log(at, data)
    }
    fn charge(&mut self, gas: u64) -> Res<()> {
        self.memory.charge(gas)
    }
    fn mark(&mut self, at: Address) -> Res<()> {
        self.memory.mark(at)
    }
    fn checkpoint(&mut self) {
        self.memory.checkpoint();
    }
    fn end_checkpoint(&mut self, keep: bool) {
        self.memory.end_checkpoint(keep);
    }
    fn now(&self) -> u64 {
        self.memory.now()
    }
    fn height(&self) -> u64 {
        0
    }
    fn chain_id(&self) -> u64 {
        self.chain_id
    }
}

/// The first block. Its `extraData` is the commitment to the whole genesis, so that two files that
/// differ anywhere give two hashes.
pub fn genesis_block(genesis: &Genesis, state_root: B256) -> Block {
    let mut header = empty_header();
    header.state_root = state_root;
    header.timestamp = genesis.timestamp;
    header.gas_limit = genesis.gas_limit;
    header.extra_data = Bytes::copy_from_slice(commitment(genesis).as_slice());
    Block::new(header, Vec::new())
}

/// keccak256 of the RLP of every field of the genesis.
fn commitment(genesis: &Genesis) -> B256 {
    let page = Page {
        domain: DOMAIN,
        chain_id: genesis.chain_id,
        timestamp: genesis.timestamp,
        gas_limit: genesis.gas_limit,
        epoch_length: genesis.epoch_length,
        heartbeat_ms: genesis.heartbeat_ms,
        estate: &genesis.estate,
        release: genesis.release,
        members: genesis
            .members
            .iter()
            .map(|member| Member {
                name: &member.name,
                account: member.account,
                weight: member.weight,
                node: member.node,
                kind: member.kind as u8,
                address: &member.address,
            })
            .collect(),
        council: Council {
            participation: share(genesis.council.participation),
            majority: share(genesis.council.majority),
            voting_s: genesis.council.voting_s,
            delay_s: genesis.council.delay_s,
            veto: share(genesis.council.veto),
        },
        packs: &genesis.packs,
        offices: genesis
            .offices
            .iter()
            .map(|holder| Office {
                office: &holder.office,
                account: holder.account,
                until: holder.until,
            })
            .collect(),
        accounts: genesis
            .accounts
            .iter()
            .map(|(address, account)| Account {
                address: *address,
                nonce: account.nonce,
                balance: account.balance,
                code_hash: keccak256(&account.code),
                storage: account
                    .storage
                    .iter()
                    .map(|(slot, value)| Stored { slot: *slot, value: *value })
                    .collect(),
            })
            .collect(),
    };
    let mut bytes = Vec::new();
    page.encode(&mut bytes);
    keccak256(bytes)
}

#[derive(RlpEncodable)]
struct Page<'a> {
    domain: &'a str,
    chain_id: u64,
    timestamp: u64,
    gas_limit: u64,
    epoch_length: u64,
    heartbeat_ms: u64,
    estate: &'a str,
    release: u32,
    members: Vec<Member<'a>>,
    council: Council,
    packs: &'a Vec<String>,
    offices: Vec<Office<'a>>,
    accounts: Vec<Account>,
}

#[derive(RlpEncodable)]
struct Member<'a> {
    name: &'a str,
    account: Address,
    weight: u32,
    node: B256,
    kind: u8,
    address: &'a str,
}

#[derive(RlpEncodable)]
struct Council {
    participation: Vec<u32>,
    majority: Vec<u32>,
    voting_s: u64,
    delay_s: u64,
    veto: Vec<u32>,
}

fn share(share: Share) -> Vec<u32> {
    vec![share.num, share.den]
}

#[derive(RlpEncodable)]
struct Office<'a> {
    office: &'a str,
    account: Address,
    until: u64,
}

#[derive(RlpEncodable)]
struct Account {
    address: Address,
    nonce: u64,
    balance: U256,
    code_hash: B256,
    storage: Vec<Stored>,
}

#[derive(RlpEncodable)]
struct Stored {
    slot: U256,
    value: U256,
}
