//! The little RLP a node needs, on the stack: sealing allocates nothing.

use alloy_primitives::U256;

/// Longest node: a branch of sixteen hashes, `3 + 16 * 33 + 1` bytes, rounded up.
const CAPACITY: usize = 576;

/// Bytes of one node while it is encoded. Lists are written from the inside: payload first, then
/// [`Buffer::wrap`].
pub(crate) struct Buffer {
    bytes: [u8; CAPACITY],
    len: usize,
}

impl Buffer {
    pub(super) fn new() -> Self {
        Self { bytes: [0; CAPACITY], len: 0 }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Appends bytes that are RLP already.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Appends a string item.
    pub(super) fn string(&mut self, bytes: &[u8]) {
        if let [byte] = bytes
            && *byte < 0x80
        {
            self.raw(&[*byte]);
            return;
        }
        let (head, len) = head(bytes.len(), 0x80);
        self.raw(&head[..len]);
        self.raw(bytes);
    }

    /// Appends a number, most significant byte first, without leading zeros.
    pub(super) fn number(&mut self, value: &U256) {
        let bytes = value.to_be_bytes::<32>();
        self.string(&bytes[value.leading_zeros() / 8..]);
    }

    /// Puts a list head before all that was written.
    pub(super) fn wrap(&mut self) {
        let (head, len) = head(self.len, 0xc0);
        self.bytes.copy_within(0..self.len, len);
        self.bytes[..len].copy_from_slice(&head[..len]);
        self.len += len;
    }
}

/// Head of an item of `len` bytes; `base` is 0x80 for strings and 0xc0 for lists.
fn head(len: usize, base: u8) -> ([u8; 3], usize) {
    if len < 56 {
        ([base + len as u8, 0, 0], 1)
    } else if len < 256 {
        ([base + 56, len as u8, 0], 2)
    } else {
        ([base + 57, (len >> 8) as u8, len as u8], 3)
    }
}
