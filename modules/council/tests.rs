mod deciding;
mod members;
mod rule;
mod settings;
pub(crate) mod world;
