mod bank;
mod house;
mod payments;
mod rule;
