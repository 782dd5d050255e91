//! RU-1 to RU-5: the value in force from the history alone, and a history that only grows.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use tulou_modules::{
    address,
    council::ICouncil,
    decisions::IDecisions,
    rules::IRules::{self, Bound, Edition, Layer, Rule},
};
use tulou_slots::Memory;

use super::{all_of, ask, events};
use crate::play::{Broken, Kept, Seen, keep};

const AT: Address = address::rules;

#[derive(Debug, Default)]
pub(super) struct Model {
    /// By key: every value that it had or will have.
    history: BTreeMap<String, Vec<Rule>>,
    editions: Vec<Edition>,
    book: B256,
}

fn history(memory: &mut Memory, key: &str) -> Result<Vec<Rule>, Broken> {
    let key = key.to_owned();
    all_of!(memory, AT, IRules::historyCall { key: key.clone() })
}

impl Model {
    pub(super) fn begin(memory: &mut Memory) -> Result<Self, Broken> {
        let mut model = Self::default();
        for rule in all_of!(memory, AT, IRules::rulesCall {})? {
            let values = history(memory, &rule.key)?;
            model.history.insert(rule.key, values);
        }
        model.editions = all_of!(memory, AT, IRules::editionsCall {})?;
        model.book = ask(memory, AT, &IRules::bookHashCall {})?;
        model.in_force(memory)?;
        Ok(model)
    }

    pub(super) fn after(&mut self, seen: &mut Seen<'_>) -> Kept {
        if seen.call.is_none()
            && self.history.values().any(|values| turns_at(values, seen.after.now))
        {
            return self.in_force(seen.after);
        }
        if !seen.concerns(AT) {
            return Ok(());
        }
        let tightened = events::<IRules::RuleTightened>(seen.logs).len();
        let adopted = events::<IRules::PackLoaded>(seen.logs).len();
        let by_owners = !events::<IDecisions::ActionDone>(seen.logs).is_empty();
        let by_council = !events::<ICouncil::Executed>(seen.logs).is_empty();
        let may = (tightened == 0 || by_owners) && (adopted == 0 || by_council);
        keep!("RU-3", may && tightened + adopted > 0, "{} changed the book", seen.caller());
        let book = ask(seen.after, AT, &IRules::bookHashCall {})?;
        keep!("RU-5", book != self.book, "the book changed and its hash did not");
        let editions = all_of!(seen.after, AT, IRules::editionsCall {})?;
        let grew = editions.starts_with(&self.editions)
            && editions.len() == self.editions.len() + tightened + adopted;
        keep!("RU-4", grew, "the editions did not grow by one each");
        let mut hashes: Vec<B256> = editions.iter().map(|edition| edition.bookHash).collect();
        keep!("RU-5", hashes.last() == Some(&book), "the last edition has another book");
        hashes.sort_unstable();
        hashes.dedup();
        keep!("RU-5", hashes.len() == editions.len(), "two books have one hash");
        (self.book, self.editions) = (book, editions);
        self.grows(seen.after)?;
        self.in_force(seen.after)
    }

    /// No value is gone, and no new one begins before now.
    fn grows(&mut self, memory: &mut Memory) -> Kept {
        let now = memory.now;
        for rule in all_of!(memory, AT, IRules::rulesCall {})? {
            self.history.entry(rule.key).or_default();
        }
        for (key, known) in &mut self.history {
            let key = key.clone();
            let values = history(memory, &key)?;
            for old in known.iter() {
                keep!("RU-4", values.contains(old), "a value of {key} is gone");
            }
            for new in values.iter().filter(|value| !known.contains(value)) {
                keep!("RU-3", new.fromAt >= now, "{key} changed from {} on, at {now}", new.fromAt);
            }
            keep!("RU-4", values.len() >= known.len(), "a value of {key} is gone");
            *known = values;
        }
        Ok(())
    }

    /// The most specific layer with a value counts, and by-laws are within the law whenever they count.
    fn in_force(&self, memory: &mut Memory) -> Kept {
        let now = memory.now;
        let shown = all_of!(memory, AT, IRules::rulesCall {})?;
        for (key, values) in &self.history {
            let expected = counting(values, now, &[Layer::ByLaws, Layer::City, Layer::National]);
            let found = shown.iter().find(|rule| rule.key == *key);
            keep!("RU-1", found == expected, "{key} is {found:?}");
            let ends = values.iter().flat_map(|value| [value.fromAt, value.untilAt]);
            for at in ends.filter(|at| *at > now).chain([now]) {
                within_the_law(key, values, at)?;
            }
        }
        Ok(())
    }
}

/// Whether a value begins or ends within the last 401 days: then another may be in force.
fn turns_at(values: &[Rule], now: u64) -> bool {
    let since = now.saturating_sub(401 * 86_400);
    values
        .iter()
        .any(|value| [value.fromAt, value.untilAt].iter().any(|at| (since..=now).contains(at)))
}

fn counting<'v>(values: &'v [Rule], at: u64, layers: &[Layer]) -> Option<&'v Rule> {
    let covers = |value: &&Rule| value.fromAt <= at && (value.untilAt == 0 || at < value.untilAt);
    layers
        .iter()
        .find_map(|layer| values.iter().rev().filter(|value| value.layer == *layer).find(covers))
}

fn within_the_law(key: &str, values: &[Rule], at: u64) -> Kept {
    let Some(own) = counting(values, at, &[Layer::ByLaws]) else { return Ok(()) };
    let Some(law) = counting(values, at, &[Layer::City, Layer::National]) else { return Ok(()) };
    let left = u128::from(own.num) * u128::from(law.den);
    let right = u128::from(law.num) * u128::from(own.den);
    let fits = match law.bound {
        Bound::Floor => left >= right,
        Bound::Ceiling => left <= right,
        Bound::Fixed | Bound::Local => false,
        _ => true,
    };
    keep!(
        "RU-2",
        fits,
        "by-laws of {key} are {}/{}, the law {}/{}",
        own.num,
        own.den,
        law.num,
        law.den
    );
    Ok(())
}
