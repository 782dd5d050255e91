//! Random sequences of calls to all modules, and the numbered invariants that they must keep.
//!
//! The invariants are those of the modules' READMEs: money is never made or lost, nothing is spent beyond
//! what was planned, one head has one ballot, what is final stays. They are checked after every step
//! from the views and the events alone, against models that this crate keeps for itself, so that an error
//! in a module is not repeated in its check.
//!
//! [`play`] is the whole of it: bytes become a sequence of calls and waits in a founded world
//! ([`world::founded`]). A property test and the fuzzer use the same function.

mod calls;
mod checks;
mod foreign;
mod inner;
mod names;
pub mod people;
mod play;
mod source;
pub mod world;

pub use calls::{Op, all as makers};
pub use names::writing;
pub use play::{Broken, Count, Report, play};
