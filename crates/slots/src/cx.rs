//! The context of one call, and the two ways it can fail.

use alloy_primitives::{Address, Bytes, LogData, U256};
use alloy_sol_types::{Panic, PanicKind, SolError, SolEvent};

/// Why a call did not go through. `Revert` is a refusal that the caller sees and may handle; the
/// other two are not: one is out of resources, the other is a fault of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// ABI-encoded Solidity error; state and logs of the call are dropped.
    Revert(Bytes),
    /// The gas of the call is used up.
    OutOfGas,
    /// The store failed or the code met a state that cannot be. Never swallowed: it stops the block.
    Fatal(String),
}

/// Result of everything that touches state.
pub type Res<T> = Result<T, Fault>;

impl<E: SolError> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Revert(error.abi_encode().into())
    }
}

impl Fault {
    /// Solidity's `Panic(0x11)`: the result does not fit.
    pub fn overflow() -> Self {
        Panic::from(PanicKind::UnderOverflow).into()
    }
}

/// The machine under a module. Every method charges its own gas.
pub trait Host {
    /// Reads a slot of the module at `at`.
    fn sload(&mut self, at: Address, slot: U256) -> Res<U256>;
    /// Writes a slot of the module at `at`; zero deletes.
    fn sstore(&mut self, at: Address, slot: U256, value: U256) -> Res<()>;
    /// Appends an event of the module at `at`.
    fn log(&mut self, at: Address, data: LogData) -> Res<()>;
    /// Charges for work that neither reads nor writes state.
    fn charge(&mut self, gas: u64) -> Res<()>;
    /// Makes `at` a callable native address (an asset's own ERC-20 address, say).
    fn mark(&mut self, at: Address) -> Res<()>;
    /// Begins a part of the call that may be undone alone.
    fn checkpoint(&mut self);
    /// Ends the innermost part: keeps what it did, or undoes its state and logs.
    fn end_checkpoint(&mut self, keep: bool);
    /// Timestamp of the block in seconds since 1970: the only clock there is.
    fn now(&self) -> u64;
    /// Height of the block.
    fn height(&self) -> u64;
    /// EIP-155 chain id.
    fn chain_id(&self) -> u64;
}

/// One call: who calls, which module answers, on which machine.
pub struct Cx<'h> {
    /// The machine.
    pub host: &'h mut dyn Host,
    /// Address of the module that runs; its storage is the one that slots refer to.
    pub this: Address,
    /// Who called it: an account, a contract, or another module.
    pub caller: Address,
    /// Whether writing is refused.
    pub is_static: bool,
}

impl core::fmt::Debug for Cx<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Cx")
            .field("this", &self.this)
            .field("caller", &self.caller)
            .field("is_static", &self.is_static)
            .finish_non_exhaustive()
    }
}

impl Cx<'_> {
    /// Calls another module: `f` sees this module as its caller and the other's storage. Atomic with
    /// the outer call, because a refusal travels up with `?`.
    pub fn on<T>(&mut self, at: Address, f: impl FnOnce(&mut Cx<'_>) -> Res<T>) -> Res<T> {
        let (caller, is_static) = (self.this, self.is_static);
        f(&mut Cx { host: &mut *self.host, this: at, caller, is_static })
    }

    /// Tries something that may be refused without refusing the whole call: a refusal undoes what
    /// `f` did and comes back as its revert data. Out of gas and faults are passed on.
    pub fn attempt<T>(
        &mut self,
        f: impl FnOnce(&mut Cx<'_>) -> Res<T>,
    ) -> Res<Result<T, alloy_primitives::Bytes>> {
        self.host.checkpoint();
        let result = f(self);
        self.host.end_checkpoint(result.is_ok());
        match result {
            Ok(value) => Ok(Ok(value)),
            Err(Fault::Revert(data)) => Ok(Err(data)),
            Err(fault) => Err(fault),
        }
    }

    /// Emits an event of this module.
    pub fn emit<E: SolEvent>(&mut self, event: E) -> Res<()> {
        self.host.log(self.this, event.encode_log_data())
    }

    /// Timestamp of the block in seconds since 1970.
    pub fn now(&self) -> u64 {
        self.host.now()
    }
}
