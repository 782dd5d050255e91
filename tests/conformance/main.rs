//! Public suites of Ethereum on this ledger's executor and server. They are not part of the repository:
//! `TULOU_CONFORMANCE` names the folder with their archives, by default the one beside the checkout.

mod cases;
mod states;
mod suites;
