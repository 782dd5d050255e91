//! Half-byte access to 32-byte keys. Paths are never copied out: a node keeps a whole key and the two
//! depths between which it speaks for it.

use alloy_primitives::B256;

use super::rlp::Buffer;

/// Nibbles in a key, and so the depth at which every path ends.
pub(super) const DEPTH: usize = 64;

/// The nibble of `key` at `depth`, 0 to 15.
pub(super) fn nibble(key: &B256, depth: usize) -> usize {
    let byte = key[depth / 2];
    usize::from(if depth.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f })
}

/// Depth of the first nibble in which the keys differ, [`DEPTH`] where they are equal.
pub(super) fn fork(a: &B256, b: &B256) -> usize {
    match a.iter().zip(b.iter()).position(|(x, y)| x != y) {
        None => DEPTH,
        Some(at) => at * 2 + usize::from((a[at] ^ b[at]) & 0xf0 == 0),
    }
}

/// Writes the nibbles `from..to` of `key` in hex-prefix form as an RLP string.
pub(super) fn write_path(out: &mut Buffer, key: &B256, from: usize, to: usize, leaf: bool) {
    let mut packed = [0u8; 33];
    let odd = (to - from) % 2 == 1;
    let flag = if leaf { 0x20u8 } else { 0 };
    let mut at = from;
    packed[0] = flag;
    if odd {
        packed[0] |= 0x10 | nibble(key, at) as u8;
        at += 1;
    }
    let mut len = 1;
    while at < to {
        packed[len] = (nibble(key, at) << 4 | nibble(key, at + 1)) as u8;
        len += 1;
        at += 2;
    }
    out.string(&packed[..len]);
}
