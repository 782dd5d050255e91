//! The ledger through its public interface.

mod chain;
mod crash;
mod disk;
mod versions;
