//! The register of Guihua Garden on the ledger, and who votes for which head.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use tulou_client::{demo_key, register};
use tulou_modules::{
    address::registry as REGISTRY,
    registry::{IRegistry, rule},
};

use super::{data, driver::Driver};
use crate::output::Failure;

/// Accounts bound in one call.
const BINDINGS: usize = 50;
/// Homes whose owners do not vote in the story on the open motion: people will want to.
const KEPT_FREE: &[&str] = &["O0080", "O0054", "O0061", "O0076"];

/// A head of the estate.
#[derive(Clone, Debug)]
struct Head {
    /// `developer`, or the owners' ids joined by `+`, as the ballot files write it.
    label: String,
    key: B256,
    /// In 0.01 m2.
    area: u64,
    /// Building and stair of each of its units.
    places: Vec<(u32, u32)>,
}

/// The heads in the order of their first units.
#[derive(Clone, Debug)]
pub(crate) struct Roll {
    heads: Vec<Head>,
}

/// Enters units, owners and holdings, binds every owner's demo account, and posts the roll.
pub(crate) fn import(driver: &mut Driver<'_>) -> Result<Roll, Failure> {
    let files =
        register::Files { units: data::UNITS, owners: data::OWNERS, holdings: data::HOLDINGS };
    // Anyone who builds the demo must come to the same commitments; a real import draws its salts.
    let register = register::parse(&files, register::Salts::Seeded([7; 32]))?;
    for call in register.calls(1) {
        driver.send_raw("registrar", REGISTRY, call, "the register")?;
    }
    driver.settle()?;
    let mut commitments = BTreeMap::new();
    for row in data::rows(data::OWNERS)? {
        let known = register.commitment(&row[0]);
        let commitment =
            known.ok_or_else(|| Failure(format!("demo data: owner {} is missing", row[0])))?;
        commitments.insert(row[0].clone(), commitment);
    }
    let bound: Vec<(Address, B256)> =
        commitments.iter().map(|(id, owner)| (demo_key(id).address(), *owner)).collect();
    for part in bound.chunks(BINDINGS) {
        let (accounts, owners) = part.iter().copied().unzip();
        driver.send("registrar", REGISTRY, &IRegistry::bindCall { accounts, owners })?;
    }
    driver.send("registrar", REGISTRY, &IRegistry::postRollCall {})?;
    driver.settle()?;
    roll(&commitments)
}

/// Groups the units by the head that votes for them.
fn roll(commitments: &BTreeMap<String, B256>) -> Result<Roll, Failure> {
    let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in data::rows(data::HOLDINGS)? {
        owners.entry(row[0].clone()).or_default().push(row[1].clone());
    }
    let mut heads: Vec<Head> = Vec::new();
    for row in data::rows(data::UNITS)? {
        let [code, building, stair, .., area, _, _, counts_head, delivered, developer] =
            row.as_slice()
        else {
            return Err(Failure("demo data: a unit has twelve fields".into()));
        };
        if counts_head != "true" {
            continue;
        }
        let mut ids = owners.get(code).cloned().unwrap_or_default();
        ids.sort();
        let (label, key) = if developer == "true" || delivered == "false" {
            ("developer".to_owned(), rule::developer_head())
        } else {
            let known: Vec<B256> =
                ids.iter().filter_map(|id| commitments.get(id).copied()).collect();
            (ids.join("+"), rule::owners_head(&known))
        };
        let area = area.parse::<tulou_primitives::Area>()?.0;
        // Shops stand in a stair called S: a place of the building, in none of its stairs.
        let place = (building.parse().unwrap_or(0), stair.parse().unwrap_or(0));
        match heads.iter_mut().find(|head| head.key == key) {
            Some(head) => {
                head.area += area;
                head.places.push(place);
            }
            None => heads.push(Head { label, key, area, places: vec![place] }),
        }
    }
    Ok(Roll { heads })
}

/// Number of a unit on the ledger.
pub(crate) fn unit_number(driver: &Driver<'_>, code: &str) -> Result<u64, Failure> {
    Ok(driver.view(REGISTRY, &IRegistry::unitByCodeCall { code: code.into() })?.id)
}

impl Roll {
    /// Key of the head that the ballot files call by this label.
    pub(crate) fn key(&self, label: &str) -> Result<B256, Failure> {
        let head = self.heads.iter().find(|head| head.label == label);
        head.map(|head| head.key).ok_or_else(|| Failure(format!("demo data: no head {label}")))
    }

    /// Labels of the heads with a unit in a scope.
    pub(crate) fn labels_in(&self, scope: (u8, u32, u32)) -> Vec<String> {
        let (kind, building, stair) = scope;
        let holds = |place: &(u32, u32)| match kind {
            1 => true,
            2 => place.0 == building,
            _ => *place == (building, stair),
        };
        let heads = self.heads.iter().filter(|head| head.places.iter().any(holds));
        heads.map(|head| head.label.clone()).collect()
    }

    /// Heads that together lack `heads_missing` heads and a little area of the quorum of two thirds.
    pub(crate) fn short_of_quorum(&self, heads_missing: usize) -> Vec<String> {
        let total: u64 = self.heads.iter().map(|head| head.area).sum();
        let quorum_heads = (self.heads.len() * 2).div_ceil(3);
        let wanted = (total * 2).div_ceil(3).saturating_sub(3_840);
        let free = |head: &&Head| !KEPT_FREE.contains(&head.label.as_str());
        let all: Vec<&Head> = self.heads.iter().filter(free).collect();
        let count = quorum_heads.saturating_sub(heads_missing).min(all.len());
        let (mut chosen, mut rest) = (all[..count].to_vec(), all[count..].to_vec());
        // Swap one for one as long as that brings the area nearer to what is wanted from below.
        let distance = |area: u64| if area > wanted { u64::MAX } else { wanted - area };
        loop {
            let area: u64 = chosen.iter().map(|head| head.area).sum();
            let better = chosen.iter().enumerate().flat_map(|(i, out)| {
                rest.iter().enumerate().map(move |(j, new)| (area + new.area - out.area, i, j))
            });
            match better.min_by_key(|(area, ..)| distance(*area)) {
                Some((new, i, j)) if distance(new) < distance(area) => {
                    std::mem::swap(&mut chosen[i], &mut rest[j]);
                }
                _ if distance(area) == u64::MAX && !chosen.is_empty() => {
                    // Still too much: give up the largest for the smallest.
                    let largest = (0..chosen.len()).max_by_key(|&i| chosen[i].area);
                    let smallest = (0..rest.len()).min_by_key(|&j| rest[j].area);
                    match (largest, smallest) {
                        (Some(i), Some(j)) if rest[j].area < chosen[i].area => {
                            std::mem::swap(&mut chosen[i], &mut rest[j]);
                        }
                        _ => break,
                    }
                }
                _ => break,
            }
        }
        chosen.into_iter().map(|head| head.label.clone()).collect()
    }
}
