//! The ledger through its public interface.

mod chain;
mod crash;
mod damage;
mod disk;
mod epochs;
mod full;
mod history;
mod prune;
mod snapshot;
mod versions;
