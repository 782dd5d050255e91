//! The in-memory twin of the EVM for unit tests of modules: three lines and no EVM.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, Bytes, LogData, U256};
use alloy_sol_types::{SolCall, SolError};

use crate::{Cx, Fault, Host, Res};

/// An event and the module that emitted it.
pub type Logged = (Address, LogData);

/// State, logs and a clock that the test sets.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Slots that are not zero.
    pub slots: BTreeMap<(Address, U256), U256>,
    /// Events of the calls that went through.
    pub logs: Vec<Logged>,
    /// Addresses made callable.
    pub marked: BTreeSet<Address>,
    /// The clock.
    pub now: u64,
    /// Height of the block.
    pub height: u64,
    undo: Vec<Undo>,
}

/// What a checkpoint keeps: slots, logs, marks.
type Undo = (BTreeMap<(Address, U256), U256>, usize, BTreeSet<Address>);

impl Host for Memory {
    fn sload(&mut self, at: Address, slot: U256) -> Res<U256> {
        Ok(self.slots.get(&(at, slot)).copied().unwrap_or_default())
    }
    fn sstore(&mut self, at: Address, slot: U256, value: U256) -> Res<()> {
        if value.is_zero() {
            self.slots.remove(&(at, slot));
        } else {
            self.slots.insert((at, slot), value);
        }
        Ok(())
    }
    fn log(&mut self, at: Address, data: LogData) -> Res<()> {
        self.logs.push((at, data));
        Ok(())
    }
    fn charge(&mut self, _gas: u64) -> Res<()> {
        Ok(())
    }
    fn mark(&mut self, at: Address) -> Res<()> {
        self.marked.insert(at);
        Ok(())
    }
    fn checkpoint(&mut self) {
        self.undo.push((self.slots.clone(), self.logs.len(), self.marked.clone()));
    }
    fn end_checkpoint(&mut self, keep: bool) {
        if let (Some((slots, logs, marked)), false) = (self.undo.pop(), keep) {
            self.slots = slots;
            self.logs.truncate(logs);
            self.marked = marked;
        }
    }
    fn now(&self) -> u64 {
        self.now
    }
    fn height(&self) -> u64 {
        self.height
    }
    fn chain_id(&self) -> u64 {
        1
    }
}

impl Memory {
    /// Runs `f` in the module at `this`, called by `caller`; a failure leaves nothing behind.
    pub fn run<T>(
        &mut self,
        this: Address,
        caller: Address,
        f: impl FnOnce(&mut Cx<'_>) -> Res<T>,
    ) -> Res<T> {
        let before = self.clone();
        let result = f(&mut Cx { host: self, this, caller, is_static: false });
        if result.is_err() {
            *self = before;
        }
        result
    }

    /// Makes one ABI call through a module's `entry`, as an account would.
    pub fn call<C: SolCall>(
        &mut self,
        this: Address,
        entry: fn(&mut Cx<'_>, &[u8]) -> Res<Bytes>,
        caller: Address,
        call: &C,
    ) -> Res<C::Return> {
        let bytes = self.run(this, caller, |cx| entry(cx, &call.abi_encode()))?;
        C::abi_decode_returns(&bytes).map_err(|e| Fault::Fatal(format!("answer: {e}")))
    }
}

impl Fault {
    /// The typed refusal, where it is one of this kind.
    pub fn refusal<E: SolError>(&self) -> Option<E> {
        match self {
            Self::Revert(data) => E::abi_decode(data).ok(),
            _ => None,
        }
    }
}
