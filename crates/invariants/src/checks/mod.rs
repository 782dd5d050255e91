//! The invariants, module by module, from the views, the events and the calls that were accepted.

use alloy_sol_types::{SolCall, SolEvent};
use tulou_slots::{Logged, Memory};

use crate::play::{Broken, Kept, Seen};

/// All models.
#[derive(Debug)]
pub(crate) struct Checks {}

impl Checks {
    pub(crate) fn begin(_memory: &mut Memory) -> Result<Self, Broken> {
        Ok(Self {})
    }

    pub(crate) fn after(&mut self, _seen: Seen<'_>) -> Kept {
        Ok(())
    }
}

/// Reads a module; what a check asks is never refused.
pub(crate) fn ask<C: SolCall>(
    memory: &mut Memory,
    at: alloy_primitives::Address,
    call: &C,
) -> Result<C::Return, Broken> {
    crate::world::view(memory, at, call)
        .map_err(|fault| Broken::new("VIEW", format!("{} is refused: {fault:?}", C::SIGNATURE)))
}

/// The events of this kind.
pub(crate) fn events<E: SolEvent>(logs: &[Logged]) -> Vec<E> {
    logs.iter().filter_map(|(_, data)| E::decode_log_data(data).ok()).collect()
}
