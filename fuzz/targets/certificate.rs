//! Any bytes are a certificate or none; none that the fuzzer makes is signed by a validator.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tulou_consensus::Finality;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(finality) = Finality::decode(bytes) {
        let stranger = tulou_consensus::public_key([7; 32]);
        assert!(finality.verify(b"TULOU", &[stranger]).is_err());
    }
});
