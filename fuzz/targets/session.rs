//! Any sequence of sign-ins, changed texts and tokens, refreshes and ends: nothing that was not given out is
//! believed, and what was is good once.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = tulou_rpc::play_sessions(bytes) {
        panic!("{broken}");
    }
});
