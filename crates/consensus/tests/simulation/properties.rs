//! What must hold in every run.

use std::collections::BTreeSet;

use alloy_primitives::{B256, Bytes};

use crate::ledger::{EPOCH_LENGTH, Ledger, Sets, chain_namespace, fault, genesis, transactions};

/// Whether the ledgers of the honest members agree, are whole and valid, and are proven.
pub(crate) fn check(ledgers: &[&Ledger], sets: &Sets) -> Result<(), String> {
    // One that began with a snapshot cannot judge the blocks below it.
    let longest = ledgers.iter().filter(|ledger| ledger.first() == 1);
    let longest = longest.max_by_key(|ledger| ledger.height());
    let longest = longest.ok_or("there are no ledgers")?;
    valid(longest)?;
    let mut proven = BTreeSet::new();
    for ledger in ledgers {
        agree(longest, ledger)?;
        whole(ledger, sets, &mut proven)?;
        if let Some(violation) = ledger.violations.first() {
            return Err(violation.clone());
        }
    }
    Ok(())
}

/// Agreement: no two blocks are final at one height, now or before a member forgot them.
fn agree(longest: &Ledger, ledger: &Ledger) -> Result<(), String> {
    let held = ledger.finals.iter().map(|(height, (block, _))| (*height, block.hash()));
    let held = held.chain(ledger.forgotten.iter().copied());
    for (height, hash) in held.filter(|(height, _)| *height <= longest.height()) {
        if longest.block(height).hash() != hash {
            return Err(format!("fork or loss: block {height} was {hash}"));
        }
    }
    Ok(())
}

/// Validity: every final block keeps the rules, whoever proposed it.
fn valid(ledger: &Ledger) -> Result<(), String> {
    let (mut parent, mut seen) = (genesis(), BTreeSet::new());
    for (height, (block, _)) in &ledger.finals {
        if let Some(fault) = fault(&parent, block) {
            return Err(format!("block {height} is final although {fault}"));
        }
        for id in transactions(block) {
            if !seen.insert(id) {
                return Err(format!("transaction {id} is final twice, again in block {height}"));
            }
        }
        parent = block.clone();
    }
    Ok(())
}

/// Every final block has a certificate, its own or that of a block above it.
fn whole(ledger: &Ledger, sets: &Sets, proven: &mut BTreeSet<Bytes>) -> Result<(), String> {
    let hashes: BTreeSet<B256> = ledger.finals.values().map(|(block, _)| block.hash()).collect();
    for (expected, (height, (block, finality))) in (ledger.first()..).zip(&ledger.finals) {
        if *height != expected {
            return Err(format!("block {expected} is missing"));
        }
        if finality.epoch != height / EPOCH_LENGTH {
            return Err(format!("block {height} is certified in epoch {}", finality.epoch));
        }
        let own = finality.digest == block.hash();
        let newest = *height + 16 > ledger.height();
        if !own && !newest && !hashes.contains(&finality.digest) {
            return Err(format!("the certificate of block {height} is of no block"));
        }
        if proven.insert(finality.encoded.clone()) {
            let committee = sets.committee(finality.epoch);
            let verdict = finality.verify(&chain_namespace(), &committee);
            verdict.map_err(|error| format!("certificate of block {height}: {error}"))?;
        }
    }
    Ok(())
}
