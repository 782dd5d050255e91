//! What a block does to the state: Ethereum's virtual machine with the native modules inside.

mod batch;
mod call;
mod council;
mod database;
pub mod ethereum;
mod executor;
mod genesis;
mod header;
mod keys;
mod layer;
mod machine;
mod national;
mod overrides;
mod provider;
mod simulate;
mod surcharge;
mod trace;
mod transfers;

pub use batch::{BatchGas, verification_gas};
pub use call::{
    BatchRequest, CallFault, CallOutcome, CallRequest, EstimateFault, TX_GAS_MAX, call,
    create_access_list, estimate_gas,
};
pub use council::{
    Admission, Denied, admission, gas_limit, is_member, may_speak, peers_of, release_at,
    releases_of, validators_of,
};
pub use executor::{BlockEnv, BlockFault, BuildLimits, Built, Dropped, Executed, build, execute};
pub use genesis::{genesis_block, genesis_changes};
pub use header::{seal_header, validate_header};
pub use keys::KeyRefusal;
pub use layer::Layer;
pub use national::{SM2VERIFY, SM3};
pub use overrides::{AccountOverride, BlockOverrides, Overrides};
pub use provider::{Hidden, INative, Sight};
pub use simulate::{
    Failure, SimulateFault, SimulateOptions, SimulatedBlock, SimulatedCall, SimulationBlock,
    Simulator,
};
pub use surcharge::{SM2_GAS, signature_gas};
pub use trace::{TracedBlock, trace_block, trace_call};
pub use tulou_modules::is_native;

#[cfg(test)]
mod tests;
