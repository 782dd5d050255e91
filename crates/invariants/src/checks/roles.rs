//! RO-1 to RO-6: who held which office at each call, worked out from the events alone.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use tulou_modules::{
    COUNCIL, DECISIONS, address,
    prelude::Office,
    roles::IRoles::{self, Office as Named},
};
use tulou_slots::{Logged, Memory};

use super::{all_of, answer, ask, event};
use crate::play::{Broken, Kept, Seen, keep};

#[derive(Clone, Copy, Debug)]
struct Mandate {
    office: Named,
    holder: Address,
    from: u64,
    until: u64,
    revoked: bool,
    frozen_until: u64,
}

impl Mandate {
    fn in_term(&self, now: u64) -> bool {
        !self.revoked && self.from <= now && (self.until == 0 || now < self.until)
    }
}

#[derive(Debug)]
pub(super) struct Model {
    mandates: Vec<Mandate>,
    /// Offices that may make a call, by module and selector, as written at the founding.
    permits: BTreeMap<(Address, [u8; 4]), u32>,
    written: B256,
}

const AT: Address = address::roles;

fn permits() -> IRoles::permitsCall {
    IRoles::permitsCall { cursor: 0, limit: 200 }
}

impl Model {
    pub(super) fn begin(memory: &mut Memory, logs: &[Logged]) -> Result<Self, Broken> {
        let rows = all_of!(memory, AT, IRoles::permitsCall {})?;
        let permits_of = rows.iter().map(|row| ((row.module, row.selector.0), row.offices));
        let permits_of: BTreeMap<_, _> = permits_of.collect();
        for module in tulou_modules::ALL {
            for (name, selector, offices) in module.permits {
                let mask = offices.iter().fold(0, |mask, office| mask | office.bit());
                let written = permits_of.get(&(module.address, *selector)) == Some(&mask);
                keep!("RO-2", written, "the permit of {}.{name} is not written", module.name);
            }
        }
        let written = answer(memory, AT, &permits())?;
        let mut model = Self { mandates: Vec::new(), permits: permits_of, written };
        for log in logs {
            model.learn(log, 0)?;
        }
        Ok(model)
    }

    fn learn(&mut self, log: &Logged, now: u64) -> Kept {
        if let Some(given) = event::<IRoles::Granted>(log, AT) {
            let (office, holder) = (given.office, given.holder);
            let (from, until) = (given.fromAt, given.untilAt);
            keep!("RO-4", from >= now, "an office from {from} on is given at {now}");
            self.mandates.push(Mandate {
                office,
                holder,
                from,
                until,
                revoked: false,
                frozen_until: 0,
            });
            keep!("RO-4", given.id == self.mandates.len() as u64, "mandate {} is next", given.id);
        }
        let change = |mandates: &mut Vec<Mandate>, id: u64, f: &dyn Fn(&mut Mandate)| {
            if let Some(mandate) = mandates.get_mut(id as usize - 1) {
                f(mandate);
            }
        };
        if let Some(taken) = event::<IRoles::Revoked>(log, AT) {
            change(&mut self.mandates, taken.id, &|mandate| mandate.revoked = true);
        }
        if let Some(frozen) = event::<IRoles::Frozen>(log, AT) {
            let until = frozen.untilAt;
            change(&mut self.mandates, frozen.id, &|mandate| mandate.frozen_until = until);
        }
        if let Some(lifted) = event::<IRoles::Unfrozen>(log, AT) {
            change(&mut self.mandates, lifted.id, &|mandate| mandate.frozen_until = now);
        }
        Ok(())
    }

    /// Offices that an account holds, as a mask.
    fn held(&self, account: Address, now: u64) -> u32 {
        let mine = self.mandates.iter().filter(|mandate| mandate.holder == account);
        let counts = mine.filter(|m| m.in_term(now) && now >= m.frozen_until);
        counts.fold(0, |mask, mandate| mask | 1 << mandate.office as u32)
    }

    pub(super) fn after(&mut self, seen: &mut Seen<'_>) -> Kept {
        let now = seen.after.now;
        if let Some(call) = seen.call
            && let Some(selector) = call.input.first_chunk::<4>()
            && let Some(needed) = self.permits.get(&(call.to, *selector))
        {
            let held = self.held(call.from, now);
            keep!(
                "RO-1",
                needed & held != 0,
                "{} made a call of {needed:#x} with {held:#x}",
                call.from
            );
        }
        for log in seen.logs {
            self.learn(log, now)?;
            self.judge(log, seen)?;
        }
        if seen.concerns(AT) || seen.call.is_none() {
            self.check(seen, now)?;
        }
        Ok(())
    }

    /// Whether who gave, froze or lifted an office may.
    fn judge(&self, log: &Logged, seen: &mut Seen<'_>) -> Kept {
        let inner = super::inner::actor(seen.logs);
        let actor = inner.unwrap_or(seen.caller());
        let bits = |offices: &[Office]| offices.iter().fold(0, |mask, o| mask | o.bit());
        let owners_own = bits(&[Office::Chair, Office::Member, Office::Treasurer, Office::Manager]);
        let outside = bits(&[Office::StreetOffice, Office::HousingBureau, Office::Bank]);
        if let Some(given) = event::<IRoles::Granted>(log, AT) {
            let bit = 1u32 << given.office as u32;
            keep!("RO-3", given.holder != actor, "{actor} gives an office to itself");
            let may = bit & owners_own == 0 || actor == DECISIONS;
            keep!("RO-6", may, "{actor} makes a {:?}", given.office);
            let may = bit & outside == 0 || actor == DECISIONS || actor == COUNCIL;
            keep!("RO-6", may, "{actor} makes a {:?}", given.office);
        }
        let frozen = event::<IRoles::Frozen>(log, AT).map(|event| event.id);
        let lifted = event::<IRoles::Unfrozen>(log, AT).map(|event| event.id);
        if let Some(id) = frozen.or(lifted)
            && let Some(mandate) = self.mandates.get(id as usize - 1)
        {
            keep!("RO-3", mandate.holder != actor, "{actor} freezes or lifts its own office");
            let street = mandate.office == Named::StreetOffice;
            let may = !street || actor == DECISIONS || actor == COUNCIL;
            keep!("RO-3", may, "{actor} freezes or lifts a street office");
            let within = mandate.frozen_until <= seen.after.now + 90 * 86_400;
            keep!("RO-4", within, "mandate {id} is frozen for more than 90 days");
        }
        Ok(())
    }

    fn check(&self, seen: &mut Seen<'_>, now: u64) -> Kept {
        keep!("RO-2", answer(seen.after, AT, &permits())? == self.written, "the permits changed");
        let mut holders: Vec<Address> =
            self.mandates.iter().map(|mandate| mandate.holder).collect();
        holders.sort_unstable();
        holders.dedup();
        for account in holders {
            let shown = ask(seen.after, AT, &IRoles::officesOfCall { account })?;
            let held = self.held(account, now);
            keep!("RO-4", shown == held, "{account} holds {shown:#x}, its mandates say {held:#x}");
        }
        let lasts = |m: &&Mandate| !m.revoked && (m.until == 0 || m.until > now);
        let open: Vec<&Mandate> = self.mandates.iter().filter(lasts).collect();
        for (i, one) in open.iter().enumerate() {
            for other in &open[i + 1..] {
                let same = one.office == other.office && one.holder == other.holder;
                let ends = |m: &Mandate| if m.until == 0 { u64::MAX } else { m.until };
                let apart = ends(one) <= other.from || ends(other) <= one.from;
                keep!("RO-5", !same || apart, "{} holds {:?} twice", one.holder, one.office);
            }
        }
        Ok(())
    }
}
