//! Whose turn it is: two lanes, each in the order of arrival.

use std::collections::BTreeMap;

use alloy_primitives::Address;

/// Turns of the everyday lane for one of the other, while both have some.
const EVERYDAY: usize = 3;

/// What a sender's next transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// A call to one of the ledger's own modules by an account with few waiting: what residents do.
    Everyday,
    /// Everything else.
    Bulk,
}

/// Senders that can execute, by the number they drew.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    everyday: BTreeMap<u64, Address>,
    bulk: BTreeMap<u64, Address>,
    drawn: u64,
}

impl Turns {
    fn lane(&self, lane: Lane) -> &BTreeMap<u64, Address> {
        match lane {
            Lane::Everyday => &self.everyday,
            Lane::Bulk => &self.bulk,
        }
    }

    fn lane_mut(&mut self, lane: Lane) -> &mut BTreeMap<u64, Address> {
        match lane {
            Lane::Everyday => &mut self.everyday,
            Lane::Bulk => &mut self.bulk,
        }
    }

    /// Moves a sender to a lane, or out of both. It keeps its number when it changes lanes and draws one
    /// when it comes.
    pub(crate) fn place(
        &mut self,
        sender: Address,
        now: Option<(Lane, u64)>,
        wanted: Option<Lane>,
    ) -> Option<(Lane, u64)> {
        if now.map(|(lane, _)| lane) == wanted {
            return now;
        }
        if let Some((lane, number)) = now {
            self.lane_mut(lane).remove(&number);
        }
        let lane = wanted?;
        let number = now.map_or_else(
            || {
                self.drawn += 1;
                self.drawn
            },
            |(_, number)| number,
        );
        self.lane_mut(lane).insert(number, sender);
        Some((lane, number))
    }

    /// Everybody: three of the everyday lane, one of the other, and so on.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Address> {
        let mut everyday = self.lane(Lane::Everyday).values();
        let mut bulk = self.lane(Lane::Bulk).values();
        let mut turn = 0;
        std::iter::from_fn(move || {
            turn += 1;
            if turn % (EVERYDAY + 1) == 0 {
                bulk.next().or_else(|| everyday.next())
            } else {
                everyday.next().or_else(|| bulk.next())
            }
        })
    }

    #[cfg(test)]
    pub(crate) fn has(&self, (lane, number): (Lane, u64), sender: &Address) -> bool {
        self.lane(lane).get(&number) == Some(sender)
    }
}
