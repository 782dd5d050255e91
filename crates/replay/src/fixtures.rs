//! GeneralStateTests: one transaction on a given state, the root of the state and the hash of the events
//! afterwards.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use alloy_eips::{eip2930::AccessList, eip7702::SignedAuthorization};
use alloy_primitives::{Address, B256, Bytes, U64, U256, keccak256};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::Deserialize;
use tulou_evm::{
    BlockEnv,
    ethereum::{BlobRules, FixtureTx, Fork, Terms, run_fixture},
};
use tulou_ledger::Ledger;
use tulou_primitives::{AccountChange, AccountState, ChangeSet, StateError, StateReader};

/// What came of a folder of fixtures.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Cases that came out as they should.
    pub passed: usize,
    /// Cases that did not: file, test, place and why.
    pub failed: Vec<String>,
    /// Files that were left out.
    pub skipped: Vec<PathBuf>,
}

impl Tally {
    fn join(mut self, other: Self) -> Self {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.skipped.extend(other.skipped);
        self
    }
}

/// Runs all fixtures of the given forks below a folder, on all cores. Files whose name `skip` knows are left out.
///
/// # Errors
/// - the folder or file that cannot be read.
pub fn run_folder(dir: &Path, forks: &[&str], skip: &[&str]) -> Result<Tally, String> {
    let mut files = Vec::new();
    collect(dir, &mut files).map_err(|error| format!("{}: {error}", dir.display()))?;
    files.sort_unstable();
    let tallies: Result<Vec<_>, String> = files
        .par_iter()
        .map(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if skip.contains(&name) {
                return Ok(Tally { skipped: vec![path.clone()], ..Default::default() });
            }
            run_file(path, forks)
        })
        .collect();
    Ok(tallies?.into_iter().fold(Tally::default(), Tally::join))
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            // `.meta` has an index of the fixtures, not fixtures.
            if path.file_name().is_some_and(|name| name != ".meta") {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|ending| ending == "json") {
            files.push(path);
        }
    }
    Ok(())
}

fn run_file(path: &Path, forks: &[&str]) -> Result<Tally, String> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    let suite: BTreeMap<String, Test> =
        serde_json::from_str(&text).map_err(|error| format!("{shown}: {error}"))?;
    let mut tally = Tally::default();
    for (name, test) in &suite {
        let state = Given::new(&test.pre);
        let of_forks = test.post.iter().filter(|(fork, _)| forks.contains(&fork.as_str()));
        for (fork, case) in of_forks.flat_map(|(fork, cases)| cases.iter().map(move |c| (fork, c)))
        {
            match test.run(&state, fork, case) {
                Ok(()) => tally.passed += 1,
                Err(why) => {
                    let Indexes { data, gas, value } = case.indexes;
                    tally.failed.push(format!(
                        "{shown} {name} {fork} data {data} gas {gas} value {value}: {why}"
                    ));
                }
            }
        }
    }
    Ok(tally)
}

#[derive(Deserialize)]
struct Test {
    env: Env,
    pre: BTreeMap<Address, Account>,
    transaction: Transaction,
    post: BTreeMap<String, Vec<Case>>,
    #[serde(default)]
    config: Config,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    #[serde(default)]
    blob_schedule: BTreeMap<String, Blobs>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Blobs {
    target: U64,
    max: U64,
    base_fee_update_fraction: U64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Env {
    current_coinbase: Address,
    #[serde(default)]
    current_difficulty: U256,
    current_gas_limit: U256,
    current_number: U256,
    current_timestamp: U256,
    current_base_fee: Option<U256>,
    current_random: Option<U256>,
    current_excess_blob_gas: Option<U256>,
}

#[derive(Deserialize)]
struct Account {
    balance: U256,
    nonce: U256,
    code: Bytes,
    storage: BTreeMap<U256, U256>,
}

/// A number as fixtures write it: some do not fit into any field, which is what their test is about.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
struct Number(String);

impl Number {
    fn read<T: TryFrom<U256>>(&self) -> Result<T, String> {
        let text = self.0.strip_prefix("0x:bigint ").unwrap_or(&self.0);
        let number = text.parse::<U256>().ok().and_then(|number| number.try_into().ok());
        number.ok_or_else(|| format!("{text} does not fit"))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transaction {
    #[serde(rename = "type")]
    kind: Option<U64>,
    data: Vec<Bytes>,
    gas_limit: Vec<Number>,
    gas_price: Option<Number>,
    nonce: Number,
    sender: Option<Address>,
    #[serde(default)]
    to: String,
    value: Vec<Number>,
    max_fee_per_gas: Option<Number>,
    max_priority_fee_per_gas: Option<Number>,
    access_lists: Option<Vec<Option<AccessList>>>,
    blob_versioned_hashes: Option<Vec<B256>>,
    max_fee_per_blob_gas: Option<Number>,
    authorization_list: Option<Vec<SignedAuthorization>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    hash: B256,
    logs: B256,
    indexes: Indexes,
    expect_exception: Option<String>,
}

#[derive(Deserialize)]
struct Indexes {
    data: usize,
    gas: usize,
    value: usize,
}

/// The state before, with the code of its accounts.
struct Given {
    accounts: BTreeMap<Address, (AccountState, BTreeMap<U256, U256>)>,
    code: BTreeMap<B256, Bytes>,
}

impl Given {
    fn new(pre: &BTreeMap<Address, Account>) -> Self {
        let mut code = BTreeMap::new();
        let mut accounts = BTreeMap::new();
        for (address, account) in pre {
            let code_hash = keccak256(&account.code);
            code.insert(code_hash, account.code.clone());
            let nonce = account.nonce.saturating_to();
            let state = AccountState { nonce, balance: account.balance, code_hash };
            accounts.insert(*address, (state, account.storage.clone()));
        }
        Self { accounts, code }
    }

    /// All of the state after changes.
    fn after(&self, changes: &ChangeSet) -> ChangeSet {
        let mut all = ChangeSet::default();
        for (address, (state, storage)) in &self.accounts {
            let storage = storage.clone();
            let change = AccountChange { wipe: false, state: Some(*state), storage };
            all.accounts.insert(*address, change);
        }
        for (address, change) in &changes.accounts {
            let known = all.accounts.entry(*address).or_default();
            if change.wipe {
                known.storage.clear();
            }
            known.state = change.state;
            known.storage.extend(change.storage.iter().map(|(k, v)| (*k, *v)));
        }
        for change in all.accounts.values_mut() {
            change.storage.retain(|_, value| !value.is_zero());
        }
        all
    }
}

impl StateReader for Given {
    fn account(&self, address: Address) -> Result<Option<AccountState>, StateError> {
        Ok(self.accounts.get(&address).map(|(state, _)| *state))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let account = self.accounts.get(&address);
        Ok(account.and_then(|(_, storage)| storage.get(&slot)).copied().unwrap_or_default())
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.code.get(&hash).cloned().ok_or_else(|| StateError(format!("no code {hash}")))
    }

    fn block_hash(&self, height: u64) -> Result<B256, StateError> {
        Ok(keccak256(height.to_string()))
    }
}

impl Test {
    fn run(&self, state: &Given, fork: &str, case: &Case) -> Result<(), String> {
        let env = self.block(fork)?;
        let refused = |refused: &Option<String>| match (refused, &case.expect_exception) {
            (Some(why), None) => Err(format!("refused: {why}")),
            (None, Some(expected)) => Err(format!("not refused, expected {expected}")),
            _ => Ok(()),
        };
        let run = match self.tx(&case.indexes) {
            Ok(tx) => run_fixture(state, &env, tx).map_err(|fault| fault.to_string())?,
            // Numbers that no transaction can hold.
            Err(_) if case.expect_exception.is_some() => return Ok(()),
            Err(why) => return Err(why),
        };
        refused(&run.refused)?;
        if run.logs_hash != case.logs {
            return Err(format!("events hash to {}, not {}", run.logs_hash, case.logs));
        }
        let root = Ledger::genesis_root(&state.after(&run.changes));
        if root != case.hash {
            return Err(format!("state root {root}, not {}", case.hash));
        }
        Ok(())
    }

    fn block(&self, fork: &str) -> Result<BlockEnv, String> {
        let env = &self.env;
        let rules = Fork::named(fork).ok_or_else(|| format!("no fork {fork}"))?;
        let blobs = match self.config.blob_schedule.get(fork) {
            Some(blobs) => BlobRules {
                target: blobs.target.to(),
                max: blobs.max.to(),
                update_fraction: blobs.base_fee_update_fraction.to(),
            },
            None if rules.includes("Prague") => BlobRules::PRAGUE,
            None => BlobRules::CANCUN,
        };
        Ok(BlockEnv {
            chain_id: 1,
            height: env.current_number.saturating_to(),
            timestamp: env.current_timestamp.saturating_to(),
            gas_limit: env.current_gas_limit.saturating_to(),
            beneficiary: env.current_coinbase,
            prevrandao: env.current_random.unwrap_or_default().into(),
            next_validators: None,
            terms: Some(Terms {
                fork: rules,
                base_fee: env.current_base_fee.unwrap_or(U256::from(10)).saturating_to(),
                difficulty: env.current_difficulty,
                excess_blob_gas: env.current_excess_blob_gas.unwrap_or_default().saturating_to(),
                blob_price: None,
                blobs,
            }),
        })
    }

    fn tx(&self, at: &Indexes) -> Result<FixtureTx, String> {
        let tx = &self.transaction;
        let sender = tx.sender.ok_or("no sender")?;
        let read = |number: &Option<Number>| number.as_ref().map(Number::read::<u128>).transpose();
        let price = read(&tx.max_fee_per_gas)?.or(read(&tx.gas_price)?).unwrap_or_default();
        let access_list = tx.access_lists.as_ref().and_then(|lists| lists.get(at.data)?.clone());
        let kind = match tx.kind {
            Some(kind) => kind.to(),
            None if tx.authorization_list.is_some() => 4,
            None if tx.max_fee_per_blob_gas.is_some() => 3,
            None if tx.max_fee_per_gas.is_some() => 2,
            None if access_list.is_some() => 1,
            None => 0,
        };
        let to = match tx.to.as_str() {
            "" => None,
            address => Some(address.parse().map_err(|_| format!("{address} is no address"))?),
        };
        let missing = || "an index beyond the transaction".to_owned();
        Ok(FixtureTx {
            kind,
            sender,
            to,
            data: tx.data.get(at.data).ok_or_else(missing)?.clone(),
            gas: tx.gas_limit.get(at.gas).ok_or_else(missing)?.read()?,
            gas_price: price,
            priority_fee: read(&tx.max_priority_fee_per_gas)?,
            value: tx.value.get(at.value).ok_or_else(missing)?.read()?,
            nonce: tx.nonce.read()?,
            access_list: access_list.unwrap_or_default(),
            blob_hashes: tx.blob_versioned_hashes.clone().unwrap_or_default(),
            max_fee_per_blob_gas: read(&tx.max_fee_per_blob_gas)?.unwrap_or_default(),
            authorizations: tx.authorization_list.clone().unwrap_or_default(),
        })
    }
}
