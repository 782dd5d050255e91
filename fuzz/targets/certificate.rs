//! Any bytes are a certificate or none; none that the fuzzer makes is signed by a validator.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tulou_consensus::Finality;
use tulou_slots::alloy_primitives::B256;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(finality) = Finality::decode(bytes) {
        let stranger = tulou_consensus::public_key(B256::repeat_byte(7));
        assert!(finality.verify(b"TULOU", &[stranger]).is_err());
    }
});
