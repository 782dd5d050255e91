//! One ballot of every owner of a large estate, each from a key of their own.

use tulou_modules::{address::decisions as DECISIONS, decisions::IDecisions};

use super::{
    Signed, Target,
    community::{self, Community, ESTATE, FIRST_MOTION, OTHER_MATTER, Register, proposal, view},
    signed::Check,
    workload::Sizes,
};
use crate::output::Failure;

/// Gas of a ballot; what is not used costs nothing.
pub(super) const CAST_GAS: u64 = 250_000;
/// Homes of a building.
const PER_BUILDING: u64 = 1_000;

/// Enters the estate, opens one motion, and signs the ballots.
pub(super) fn prepare(target: &Target, sizes: &Sizes) -> Result<Signed, Failure> {
    let owners = community::owners(sizes.owners.min(sizes.transactions.max(1) as u64))?;
    let homes = owners.len() as u64;
    let estate = Community::on(target)?;
    estate.enter(&Register { homes, per_building: PER_BUILDING, owners: &owners })?;
    estate.open_motions(vec![proposal("Gate of the estate".into(), OTHER_MATTER, ESTATE, 0)])?;
    let mut batch = estate.batch();
    for (index, owner) in owners.iter().enumerate() {
        let voter = batch.newcomer(owner);
        batch.call(voter, DECISIONS, &cast(FIRST_MOTION, index), CAST_GAS);
    }
    let mut signed = batch.sign(format!("ballots of {homes} owners"))?;
    signed.checks.push(counted(FIRST_MOTION..=FIRST_MOTION, homes));
    Ok(signed)
}

/// The ballot of owner number `index`: for, against and abstaining in turn.
pub(super) fn cast(motion: u64, index: usize) -> IDecisions::castCall {
    IDecisions::castCall { motion, choice: index as u8 % 3 + 1 }
}

/// The ledger counts so many heads that take part in these motions together, and each of them as for,
/// against or abstaining.
pub(super) fn counted(motions: std::ops::RangeInclusive<u64>, expected: u64) -> Check {
    let read = move |rpc: &tulou_client::Rpc| {
        let mut heads = 0;
        for id in motions.clone() {
            let result = view(rpc, DECISIONS, &IDecisions::resultCall { id })?;
            let choices = [&result.yes, &result.no, &result.abstain];
            let sum: u64 = choices.iter().map(|choice| u64::from(choice.heads)).sum();
            if sum != u64::from(result.participating.heads) {
                return Err(Failure(format!("motion {id}: the choices do not add up: {result:?}")));
            }
            heads += sum;
        }
        Ok(heads)
    };
    Check { what: "ballots", expected, read: Box::new(read) }
}
