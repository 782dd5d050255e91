mod calls;
mod rule;
