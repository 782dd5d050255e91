mod calls;
pub(crate) mod estate;
mod rule;
