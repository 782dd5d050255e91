//! The invariants, module by module, from the views, the events and the calls that were accepted.

use alloy_primitives::{Address, B256};
use alloy_sol_types::{SolCall, SolEvent};
use tulou_slots::{Logged, Memory};

use crate::{
    play::{Broken, Kept, Seen},
    world::view,
};

pub(crate) mod accounts;
mod council;
mod decisions;
mod documents;
mod funds;
mod inner;
mod ledgers;
mod money;
mod payments;
mod registry;
mod roles;
mod rules;
mod schedule;
mod validators;

/// All models.
#[derive(Debug)]
pub(crate) struct Checks {
    council: council::Model,
    validators: validators::Model,
    rules: rules::Model,
    roles: roles::Model,
    registry: registry::Model,
    documents: documents::Model,
    money: money::Model,
    schedule: schedule::Model,
    decisions: decisions::Model,
    funds: funds::Model,
    ledgers: ledgers::Model,
    accounts: accounts::Model,
}

impl Checks {
    /// Learns the founded world. Its events are those of the founding.
    pub(crate) fn begin(memory: &mut Memory) -> Result<Self, Broken> {
        let logs = std::mem::take(&mut memory.logs);
        let registry = registry::Model::begin(memory, &logs)?;
        let funds = funds::Model::begin(memory, &logs, &registry)?;
        Ok(Self {
            council: council::Model::begin(memory, &logs)?,
            validators: validators::Model::begin(memory)?,
            rules: rules::Model::begin(memory)?,
            roles: roles::Model::begin(memory, &logs)?,
            registry,
            documents: documents::Model::begin(memory)?,
            money: money::Model::begin(&logs),
            schedule: schedule::Model::begin(memory)?,
            decisions: decisions::Model::begin(memory, &logs)?,
            funds,
            ledgers: ledgers::Model::begin(memory)?,
            accounts: accounts::Model::begin(memory)?,
        })
    }

    /// Checks what a step did.
    pub(crate) fn after(&mut self, mut seen: Seen<'_>) -> Kept {
        let seen = &mut seen;
        // First, because it judges by what stood before the call.
        self.roles.after(seen)?;
        inner::after(seen)?;
        self.council.after(seen)?;
        self.validators.after(seen)?;
        self.rules.after(seen)?;
        self.registry.after(seen)?;
        self.documents.after(seen)?;
        self.money.after(seen)?;
        self.schedule.after(seen)?;
        self.decisions.after(seen, &self.registry)?;
        self.funds.after(seen, &self.registry)?;
        self.ledgers.after(seen)?;
        self.accounts.after(seen)
    }

    /// Checks at the end what is not checked whole after every step.
    pub(crate) fn finish(&mut self, memory: &mut Memory) -> Kept {
        self.decisions.finish(memory)
    }
}

/// Reads a module; what a check asks is never refused.
pub(crate) fn ask<C: SolCall>(
    memory: &mut Memory,
    at: Address,
    call: &C,
) -> Result<C::Return, Broken> {
    view(memory, at, call)
        .map_err(|fault| Broken::new("VIEW", format!("{} is refused: {fault:?}", C::SIGNATURE)))
}

/// Reads a list page by page.
pub(crate) fn whole<C: SolCall, T>(
    memory: &mut Memory,
    at: Address,
    page: impl Fn(u64) -> C,
    split: impl Fn(C::Return) -> (Vec<T>, u64),
) -> Result<Vec<T>, Broken> {
    let (mut all, mut cursor) = (Vec::new(), 0);
    loop {
        let (items, next) = split(ask(memory, at, &page(cursor))?);
        all.extend(items);
        if next == 0 {
            return Ok(all);
        }
        cursor = next;
    }
}

/// Reads the whole of a list whose call has no arguments but cursor and limit.
macro_rules! all_of {
    ($memory:expr, $at:expr, $of:ident::$call:ident { $($field:ident: $value:expr),* }) => {
        $crate::checks::whole(
            $memory,
            $at,
            |cursor| $of::$call { $($field: $value,)* cursor, limit: 200 },
            |page| (page.items, page.next),
        )
    };
}
pub(crate) use all_of;

/// The events of this kind, in their order.
pub(crate) fn events<E: SolEvent>(logs: &[Logged]) -> Vec<E> {
    logs.iter().filter_map(|(_, data)| E::decode_log_data(data).ok()).collect()
}

/// An event of this kind, where this is one.
pub(crate) fn event<E: SolEvent>(log: &Logged, from: Address) -> Option<E> {
    if log.0 != from {
        return None;
    }
    E::decode_log_data(&log.1).ok()
}

/// Digest of what a view answers: whether it changed is all that is asked.
pub(crate) fn answer<C: SolCall>(
    memory: &mut Memory,
    at: Address,
    call: &C,
) -> Result<B256, Broken> {
    let found = ask(memory, at, call)?;
    Ok(alloy_primitives::keccak256(C::abi_encode_returns(&found)))
}
