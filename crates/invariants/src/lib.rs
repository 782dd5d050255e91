#![doc = include_str!("../README.md")]

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
