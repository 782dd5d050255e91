//! The call that a passed motion makes.

use alloy_sol_types::SolCall;

use super::*;

record! {
    /// Calldata: its length and its words.
    pub(super) struct Blob { len: Slot<u64>, words: Map<u64, Slot<U256>> }
}

impl Blob {
    /// Writes it once.
    pub(super) fn set(&self, cx: &mut Cx<'_>, bytes: &[u8]) -> Res<()> {
        self.len.set(cx, bytes.len() as u64)?;
        for (index, part) in (0u64..).zip(bytes.chunks(32)) {
            let mut word = [0u8; 32];
            word[..part.len()].copy_from_slice(part);
            self.words.of(index).set(cx, U256::from_be_bytes(word))?;
        }
        Ok(())
    }

    /// Reads it back.
    pub(super) fn get(&self, cx: &mut Cx<'_>) -> Res<Bytes> {
        let len = self.len.get(cx)?.min(ACTION_BYTES_MAX);
        let mut bytes = Vec::with_capacity(len as usize);
        for index in 0..len.div_ceil(32) {
            bytes.extend_from_slice(&self.words.of(index).get(cx)?.to_be_bytes::<32>());
        }
        bytes.truncate(len as usize);
        Ok(bytes.into())
    }
}

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
    let fits = if target.is_zero() {
        bytes == 0
    } else {
        crate::is_native(&target) && (4..=ACTION_BYTES_MAX).contains(&bytes)
    };
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
    let answer = match crate::route(&target) {
        Some(entry) => cx.attempt(|cx| cx.on(target, |cx| entry(cx, &input)))?.map(drop),
        None => Err(Bytes::new()),
    };
    let head = row.head.get(cx)?;
    match answer {
        Ok(()) => {
            row.head.set(cx, Head { action: ActionState::Done, ..head })?;
            cx.emit(ActionDone { motion: id, target })
        }
        Err(refusal) => {
            let mut first = [0u8; 4];
            let len = refusal.len().min(4);
            first[..len].copy_from_slice(&refusal[..len]);
            let kept = u32::from_be_bytes(first);
            row.head.set(cx, Head { action: ActionState::Refused, refusal: kept, ..head })?;
            cx.emit(ActionRefused { motion: id, target, refusal })
        }
    }
}
