//! Solidity's `string` and `bytes` in storage.

use alloy_primitives::{U256, keccak256};

use crate::{Cx, Fault, Place, Res};

/// Longest text a module stores, in bytes. Longer texts are documents: only their hash is kept.
const TEXT_BYTES_MAX: u64 = 1 << 16;

/// A text: up to 31 bytes in its own slot, longer ones from `keccak256(slot)` on.
#[derive(Debug)]
pub struct Text(U256);

impl Place for Text {
    const SLOTS: u64 = 1;
    fn at(slot: U256) -> Self {
        Self(slot)
    }
}

impl Text {
    /// The text. Bytes that are not UTF-8 are replaced, never an error: writers are checked.
    pub fn get(&self, cx: &mut Cx<'_>) -> Res<String> {
        let head = cx.host.sload(cx.this, self.0)?;
        let bytes = head.to_be_bytes::<32>();
        if !head.bit(0) {
            let len = usize::from(bytes[31] / 2).min(31);
            return Ok(String::from_utf8_lossy(&bytes[..len]).into_owned());
        }
        let len: u64 = (head >> 1usize).saturating_to();
        if len > TEXT_BYTES_MAX {
            return Err(Fault::Fatal(format!("text of {len} bytes at slot {}", self.0)));
        }
        let mut out = Vec::with_capacity(len as usize);
        for i in 0..len.div_ceil(32) {
            let word = cx.host.sload(cx.this, self.chunk(i))?;
            out.extend_from_slice(&word.to_be_bytes::<32>());
        }
        out.truncate(len as usize);
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    /// Replaces the text and frees the slots it no longer needs.
    ///
    /// # Errors
    /// - `Panic(0x11)`: longer than 64 KiB.
    pub fn set(&self, cx: &mut Cx<'_>, text: &str) -> Res<()> {
        let old = cx.host.sload(cx.this, self.0)?;
        let old_chunks = if old.bit(0) {
            (old >> 1usize).saturating_to::<u64>().min(TEXT_BYTES_MAX).div_ceil(32)
        } else {
            0
        };
        let (bytes, len) = (text.as_bytes(), text.len() as u64);
        if len > TEXT_BYTES_MAX {
            return Err(Fault::overflow());
        }
        let (head, chunks) = if len < 32 {
            let mut word = [0u8; 32];
            word[..bytes.len()].copy_from_slice(bytes);
            word[31] = (len * 2) as u8;
            (U256::from_be_bytes(word), 0)
        } else {
            (U256::from(len * 2 + 1), len.div_ceil(32))
        };
        cx.host.sstore(cx.this, self.0, head)?;
        for i in 0..chunks.max(old_chunks) {
            let mut word = [0u8; 32];
            if i < chunks {
                let from = i as usize * 32;
                let part = &bytes[from..bytes.len().min(from + 32)];
                word[..part.len()].copy_from_slice(part);
            }
            cx.host.sstore(cx.this, self.chunk(i), U256::from_be_bytes(word))?;
        }
        Ok(())
    }

    fn chunk(&self, index: u64) -> U256 {
        let first = U256::from_be_bytes(keccak256(self.0.to_be_bytes::<32>()).0);
        first.wrapping_add(U256::from(index))
    }
}
