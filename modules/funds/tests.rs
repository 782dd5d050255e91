mod bank;
mod house;
mod pages;
mod payments;
mod ranking;
mod rule;
