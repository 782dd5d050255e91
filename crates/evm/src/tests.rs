//! Tests of the crate: native code called from Solidity, blocks, calls, genesis.

mod admission;
mod batches;
mod blocks;
mod calls;
mod genesis;
mod keychain;
mod natives;
mod world;
