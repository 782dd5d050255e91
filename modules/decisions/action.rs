//! The call that a passed motion makes.

use alloy_sol_types::SolCall;

use super::*;
use crate::action::{first_four, is_call, make};

/// Calldata of one of our own calls, for the schedule.
pub(super) fn calldata<C: SolCall>(call: &C) -> Vec<u8> {
    call.abi_encode()
}

/// Whether a motion may make this call.
///
/// # Errors
/// - [`BadAction`]: calldata without a target, a target that is no module, or too much of it.
pub(super) fn check(target: Address, action: &[u8]) -> Res<()> {
    let bytes = action.len() as u64;
    let fits = if target.is_zero() { bytes == 0 } else { is_call(&target, action) };
    ensure!(fits, BadAction { target, bytesGiven: bytes });
    Ok(())
}

/// Makes the call, if the motion has one, and records how it went.
pub(super) fn run(cx: &mut Cx<'_>, id: u64, row: &MotionRow) -> Res<()> {
    let target = row.target.get(cx)?;
    if target.is_zero() {
        return Ok(());
    }
    let input = row.action.get(cx)?;
    let answer = make(cx, target, &input)?;
    let head = row.head.get(cx)?;
    match answer {
        Ok(()) => {
            row.head.set(cx, Head { action: ActionState::Done, ..head })?;
            cx.emit(ActionDone { motion: id, target })
        }
        Err(refusal) => {
            let kept = u32::from_be_bytes(first_four(&refusal));
            row.head.set(cx, Head { action: ActionState::Refused, refusal: kept, ..head })?;
            cx.emit(ActionRefused { motion: id, target, refusal })
        }
    }
}
