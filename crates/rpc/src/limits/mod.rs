//! What one caller may ask for, and what is done with more.
//!
//! A request passes the [`guard`](guard::guard): its address, the node's refusals, the price of the
//! door. Each JSON-RPC call in it passes the [`MeterLayer`], with its own price. Both answer at once.

mod bodies;
mod caller;
mod class;
mod config;
mod gate;
pub(crate) mod guard;
mod metered;
#[cfg(test)]
mod tests;

pub(crate) use bodies::Bodies;
pub(crate) use caller::{Caller, retry_after};
pub(crate) use class::Class;
pub use config::Limits;
pub(crate) use gate::{Gate, Seat, TooMuch};
pub(crate) use metered::MeterLayer;
