//! Wires engine, state, pool and interfaces into a running node. The only crate that knows all of
//! them, and the one place where a block is built, checked and made final.

mod acme;
mod allowlist;
mod chain;
mod clock;
mod committee;
mod folder;
pub mod founding;
mod gossip;
mod guard;
mod host;
mod keeper;
mod keys;
mod node;
mod peers;
mod replay;
mod roster;
mod settings;
mod snapshot;
mod start;
mod upkeep;
mod vault;
mod watch;

pub use acme::{AcmeError, AcmeSettings, ExternalAccount};
pub use clock::Clock;
pub use folder::{FolderError, NodeFolder};
pub use guard::StepDown;
pub use host::{Host, HostOptions, Stopped, ledger_dir};
pub use keys::{KeyError, Keys, Unlock, secret_in};
pub use node::{Drill, Node, NodeConfig, NodeError};
pub use peers::RELEASE;
pub use replay::{ReplayFault, Replayed, replay_ledger};
pub use settings::{
    LedgerSettings, NodeSettings, SETTINGS, Settings, SettingsError, SnapshotSettings, TlsSettings,
    VaultSettings,
};
pub use snapshot::{
    SnapshotFault, each_entry, open_ledger, send_to_archive, start_from_archive,
    start_from_snapshot, verify_node, write_snapshot,
};
pub use tulou_rpc::{Readers, TlsFiles};
pub use vault::{VaultFault, unlock_vault};

#[cfg(test)]
mod tests;
