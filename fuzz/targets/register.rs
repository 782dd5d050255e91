//! Any three texts are a register or are refused with file, line, column and reason.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tulou_client::register::{Files, Salts, parse};

fuzz_target!(|texts: (&str, &str, &str)| {
    let (units, owners, holdings) = texts;
    if let Ok(register) = parse(&Files { units, owners, holdings }, Salts::Seeded([7; 32])) {
        // What was read can be written for the ledger.
        let _ = register.calls(1);
        let _ = register.totals();
    }
});
