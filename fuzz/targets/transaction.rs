//! Any bytes are a transaction or none; its sender is found or refused; its bytes are kept.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tulou_primitives::Tx;
use tulou_slots::alloy_primitives::Bytes;

fuzz_target!(|bytes: &[u8]| {
    let raw = Bytes::copy_from_slice(bytes);
    if let Ok(tx) = Tx::decode(raw.clone()) {
        assert_eq!(*tx.raw(), raw);
        assert_eq!(tx.sender().ok(), tx.sender().ok());
    }
});
