//! The house rules that no linter knows, as ordinary tests. Each failure names the file and the rule.

mod interfaces;
mod layers;
mod sizes;
mod tree;
