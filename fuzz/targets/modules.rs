//! Any sequence of calls to the modules keeps the numbered invariants: well-formed calls that reach deep,
//! with some of raw bytes between them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = tulou_invariants::play(bytes) {
        panic!("{broken}");
    }
});
