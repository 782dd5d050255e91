//! Any text is a pack of rules or is refused with a place and a reason.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tulou_modules::rules::pack;

fuzz_target!(|text: &str| {
    if let Err(error) = pack::parse("fuzz.toml", text) {
        assert!(error.to_string().contains("fuzz.toml"));
    }
});
