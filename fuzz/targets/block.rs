//! Any bytes are a block or no block; a block that was read is written as it was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tulou_primitives::Block;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(block) = Block::decode(bytes) {
        assert_eq!(block.encode()[..], *bytes);
    }
});
