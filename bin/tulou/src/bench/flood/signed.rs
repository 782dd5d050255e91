//! Transactions that are signed before the clock runs.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    thread,
};

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_sol_types::SolCall;
use tulou_client::{Key, Rpc};

use crate::output::Failure;

/// A signed transaction. Those of one sender go over one connection, in the order of their nonces.
pub(super) struct Ready {
    /// Number of the sender.
    pub(super) sender: usize,
    pub(super) raw: Bytes,
}

/// Signed transactions in the order in which they are sent.
pub(crate) struct Signed {
    pub(crate) name: String,
    /// How many senders there are; their numbers are below it.
    pub(super) senders: usize,
    pub(super) txs: Vec<Ready>,
    /// What the ledger must show when all are final.
    pub(super) checks: Vec<Check>,
    /// Units that they charge together, where they do.
    pub(super) units: Option<u64>,
}

impl Signed {
    pub(crate) fn len(&self) -> usize {
        self.txs.len()
    }

    /// Reads back what the ledger must show; the sum of all counts, or none where nothing counts.
    ///
    /// # Errors
    /// The ledger shows something else.
    pub(super) fn counted(&self, rpc: &Rpc) -> Result<Option<u64>, Failure> {
        let counts = self.checks.iter().map(|check| check.run(rpc));
        let sum = counts.sum::<Result<u64, Failure>>()?;
        Ok((!self.checks.is_empty()).then_some(sum))
    }

    /// Hashes of all of them.
    pub(super) fn hashes(&self) -> Arc<HashSet<B256>> {
        Arc::new(self.txs.iter().map(|tx| keccak256(&tx.raw)).collect())
    }

    pub(super) fn raw(&self) -> Vec<Bytes> {
        self.txs.iter().map(|tx| tx.raw.clone()).collect()
    }
}

/// Reads a number back from an endpoint.
type Reading = Box<dyn Fn(&Rpc) -> Result<u64, Failure>>;

/// A number that the ledger itself must show when all is final.
pub(super) struct Check {
    pub(super) what: &'static str,
    pub(super) expected: u64,
    pub(super) read: Reading,
}

impl Check {
    /// Reads the number back.
    ///
    /// # Errors
    /// It is another one than was sent.
    pub(super) fn run(&self, rpc: &Rpc) -> Result<u64, Failure> {
        let (what, expected, found) = (self.what, self.expected, (self.read)(rpc)?);
        if found == expected {
            return Ok(found);
        }
        Err(Failure(format!("the ledger shows {found} {what}, not {expected}")))
    }
}

/// Transactions of any senders, to be signed together. They offer no fee: this ledger charges none, so
/// that their senders need no money.
pub(super) struct Batch {
    chain_id: u64,
    senders: Vec<(Key, u64)>,
    numbers: HashMap<Address, usize>,
    txs: Vec<(usize, TxEip1559)>,
}

impl Batch {
    pub(super) fn new(chain_id: u64) -> Self {
        Self { chain_id, senders: Vec::new(), numbers: HashMap::new(), txs: Vec::new() }
    }

    /// Number of a sender, whose next nonce the endpoint is asked for.
    pub(super) fn sender(&mut self, rpc: &Rpc, key: &Key) -> Result<usize, Failure> {
        if let Some(number) = self.numbers.get(&key.address()) {
            return Ok(*number);
        }
        let nonce = rpc.next_nonce(key.address())?;
        Ok(self.add(key, nonce))
    }

    /// Number of a new sender that never sent anything.
    pub(super) fn newcomer(&mut self, key: &Key) -> usize {
        self.add(key, 0)
    }

    fn add(&mut self, key: &Key, nonce: u64) -> usize {
        let number = self.senders.len();
        self.senders.push((key.clone(), nonce));
        self.numbers.insert(key.address(), number);
        number
    }

    pub(super) fn call<C: SolCall>(&mut self, sender: usize, to: Address, call: &C, gas: u64) {
        let input = call.abi_encode().into();
        let tx = TxEip1559 { gas_limit: gas, to: TxKind::Call(to), input, ..TxEip1559::default() };
        self.txs.push((sender, tx));
    }

    pub(super) fn transfer(&mut self, sender: usize, to: Address, value: u64) {
        let (to, value) = (TxKind::Call(to), U256::from(value));
        let tx = TxEip1559 { gas_limit: 21_000, to, value, ..TxEip1559::default() };
        self.txs.push((sender, tx));
    }

    /// Gives each sender's transactions their nonces, in the order in which they came, and signs.
    pub(super) fn sign(mut self, name: String) -> Result<Signed, Failure> {
        for (sender, tx) in &mut self.txs {
            let nonce = &mut self.senders[*sender].1;
            (tx.chain_id, tx.nonce) = (self.chain_id, *nonce);
            *nonce += 1;
        }
        let one = |index: usize| {
            let (sender, tx) = &self.txs[index];
            Ready { sender: *sender, raw: self.senders[*sender].0.sign(tx.clone()) }
        };
        let txs = in_parallel(self.txs.len(), &one)?;
        Ok(Signed { name, senders: self.senders.len(), txs, checks: Vec::new(), units: None })
    }
}

/// `one(0)`, `one(1)` and so on, made on all cores.
pub(crate) fn in_parallel<T: Send>(
    count: usize,
    one: &(impl Fn(usize) -> T + Sync),
) -> Result<Vec<T>, Failure> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let chunk = count.div_ceil(threads).max(1);
    let parts = thread::scope(|scope| {
        let jobs: Vec<_> = (0..count)
            .step_by(chunk)
            .map(|from| {
                scope.spawn(move || (from..count.min(from + chunk)).map(one).collect::<Vec<_>>())
            })
            .collect();
        jobs.into_iter().map(|job| job.join()).collect::<Vec<_>>()
    });
    let mut all = Vec::with_capacity(count);
    for part in parts {
        all.extend(part.map_err(|_| Failure("a signing thread broke".into()))?);
    }
    Ok(all)
}
