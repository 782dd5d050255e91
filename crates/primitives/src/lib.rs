//! The words every other crate speaks: money and area, transactions and blocks, and the state a block
//! changes. No I/O and no clock.

mod block;
mod epoch;
mod genesis;
mod receipt;
pub mod sm;
mod state;
mod suite;
mod transaction;
mod units;

pub use block::{Block, BlockDecodeError, Header, transactions_root};
pub use epoch::{epoch_of, is_epoch_end, validators_hash};
pub use genesis::{
    CouncilRules, Genesis, GenesisAccount, GenesisMember, NodeKind, OfficeHolder, Share,
    filler_account,
};
pub use receipt::ReceiptEnvelope;
pub use state::{AccountChange, AccountState, ChangeSet, StateError, StateReader};
pub use suite::Suite;
pub use transaction::{
    Batch, BatchError, BatchSignature, Call, Envelope, KeyKind, MessageSignature, P256Signature,
    SignatureError, SignedBatch, SignedSm2, Signer, Tx, TxError, TxType, Window,
};
pub use units::{Area, Fen, ParseUnitError};

#[cfg(test)]
mod tests;
