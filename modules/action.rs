//! Calls that are decided now and made later: how they are kept, and how they are made.

use alloy_primitives::Bytes;

use crate::prelude::*;

/// Longest calldata of such a call in bytes.
pub(crate) const CALL_BYTES_MAX: u64 = 4_096;

record! {
    /// Calldata: its length and its words.
    pub(crate) struct Blob { len: Slot<u64>, words: Map<u64, Slot<U256>> }
}

impl Blob {
    /// Writes it once.
    pub(crate) fn set(&self, cx: &mut Cx<'_>, bytes: &[u8]) -> Res<()> {
        self.len.set(cx, bytes.len() as u64)?;
        for (index, part) in (0u64..).zip(bytes.chunks(32)) {
            let mut word = [0u8; 32];
            word[..part.len()].copy_from_slice(part);
            self.words.of(index).set(cx, U256::from_be_bytes(word))?;
        }
        Ok(())
    }

    /// Reads it back.
    pub(crate) fn get(&self, cx: &mut Cx<'_>) -> Res<Bytes> {
        let len = self.len.get(cx)?.min(CALL_BYTES_MAX);
        let mut bytes = Vec::with_capacity(len as usize);
        for index in 0..len.div_ceil(32) {
            bytes.extend_from_slice(&self.words.of(index).get(cx)?.to_be_bytes::<32>());
        }
        bytes.truncate(len as usize);
        Ok(bytes.into())
    }
}

/// Whether `input` can be a call of the module at `target`: a selector, and not too long.
pub(crate) fn is_call(target: &Address, input: &[u8]) -> bool {
    crate::is_native(target) && (4..=CALL_BYTES_MAX).contains(&(input.len() as u64))
}

/// Makes the call, with the running module as the caller. A refusal undoes what the call did and nothing
/// else, and comes back as its revert data.
pub(crate) fn make(cx: &mut Cx<'_>, target: Address, input: &[u8]) -> Res<Result<(), Bytes>> {
    match crate::route(&target) {
        Some(entry) => Ok(cx.attempt(|cx| cx.on(target, |cx| entry(cx, input)))?.map(drop)),
        None => Ok(Err(Bytes::new())),
    }
}

/// First four bytes of a refusal: which error it is.
pub(crate) fn first_four(bytes: &[u8]) -> [u8; 4] {
    let mut first = [0u8; 4];
    let len = bytes.len().min(4);
    first[..len].copy_from_slice(&bytes[..len]);
    first
}
