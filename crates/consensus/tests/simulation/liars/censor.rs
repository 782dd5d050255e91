//! Leaves one transaction out of its blocks and votes against every block that has it.

use tulou_primitives::Block;

use super::Mischief;
use crate::ledger::transactions;

/// The transaction it does not want.
const CENSORED: u64 = 3;

/// See above.
pub(crate) struct Censor;

impl Mischief for Censor {
    fn verdict(&self, block: &Block, honest: bool) -> bool {
        honest && !transactions(block).contains(&CENSORED)
    }

    fn includes(&self, transaction: u64) -> bool {
        transaction != CENSORED
    }
}
