//! LE-1 to LE-5: other ledgers are known once, their sets and facts never change.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use tulou_modules::{
    address,
    ledgers::ILedgers::{self, Fact},
};
use tulou_slots::Memory;

use super::{all_of, ask};
use crate::{
    play::{Broken, Kept, Seen, keep},
    world::view,
};

const AT: Address = address::ledgers;

#[derive(Debug, Default)]
pub(super) struct Model {
    sets: BTreeMap<(u64, u64), Vec<B256>>,
    facts: Vec<Fact>,
}

impl Model {
    pub(super) fn begin(memory: &mut Memory) -> Result<Self, Broken> {
        let mut model = Self::default();
        model.check(memory)?;
        Ok(model)
    }

    pub(super) fn after(&mut self, seen: &mut Seen<'_>) -> Kept {
        if let Some(call) = seen.call.filter(|call| call.to == AT)
            && let Ok(proven) = ILedgers::proveReceiptCall::abi_decode(&call.input)
        {
            let (ledger, proof) = (proven.ledger, proven.proof);
            let check = ILedgers::checkReceiptCall { ledger, proof };
            let checked = view(seen.before, AT, &check);
            keep!("LE-5", checked.is_ok(), "proven, and the check refuses it: {checked:?}");
        }
        if seen.concerns(AT) { self.check(seen.after) } else { Ok(()) }
    }

    fn check(&mut self, memory: &mut Memory) -> Kept {
        let mut identities = BTreeSet::new();
        for ledger in all_of!(memory, AT, ILedgers::ledgersCall {})? {
            let new = identities.insert((ledger.chainId, ledger.genesis));
            keep!("LE-1", new, "a ledger is registered twice");
            for epoch in ledger.firstEpoch..=ledger.epoch {
                let call = ILedgers::validatorsOfCall { ledger: ledger.id, epoch };
                let keys = ask(memory, AT, &call)?;
                keep!("LE-3", !keys.is_empty(), "epoch {epoch} of ledger {} is a gap", ledger.id);
                let known = self.sets.entry((ledger.id, epoch)).or_insert_with(|| keys.clone());
                keep!("LE-2", *known == keys, "the set of epoch {epoch} changed");
            }
        }
        let facts = all_of!(memory, AT, ILedgers::factsCall {})?;
        keep!("LE-4", facts.starts_with(&self.facts), "a fact changed");
        let mut known = BTreeSet::new();
        for fact in &facts {
            let new = known.insert((fact.ledger, fact.transactionHash));
            keep!("LE-4", new, "{} is on record twice", fact.transactionHash);
        }
        self.facts = facts;
        Ok(())
    }
}
