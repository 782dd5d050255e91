//! The waiting room: transactions that are admitted and not yet final.
//!
//! Everything a transaction can be refused for is checked here, once, before it costs anybody else
//! anything; its sender is recovered here, in parallel, and travels with it into the block. Every
//! queue is bounded, and a full one answers at once.
//!
//! **Order.** One sender's transactions go by nonce. Between senders it is first come, first served,
//! one transaction each per round, and a sender that was served goes to the back: nobody buys a place,
//! because gas costs nothing. While both wait, three calls to the ledger's own modules by accounts with
//! few waiting go before one of anything else ([`turns`]): a vote does not stand behind a flood.
//!
//! **Length.** What is not such a call is refused where it would wait longer than
//! [`MempoolConfig::wait_ms`] at the rate of late.
//!
//! **Replacement.** A transaction with the nonce of a waiting one replaces it when both of its fees
//! are at least a tenth higher, as wallets do to speed up or cancel. The fees are never charged; the
//! step of a tenth bounds how often it can be done. With equal fees the first one stays.
//!
//! Knows nothing of blocks' validity, of networks and of storage: the state is read through
//! [`StateReader`](tulou_primitives::StateReader).

mod ahead;
mod book;
mod checks;
mod config;
mod pace;
mod pool;
mod refused;
mod senders;
mod turns;

pub use ahead::Ahead;
pub use config::MempoolConfig;
pub use pool::{HeadState, Mempool, Stats};
pub use refused::Refused;

#[cfg(test)]
mod tests;
