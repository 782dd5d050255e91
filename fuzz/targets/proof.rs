//! Proofs and key sheets from nobody: no bytes stop the program, and none prove anything.
#![no_main]

use alloy_primitives::{B256, Bytes, keccak256};
use libfuzzer_sys::fuzz_target;
use tulou_proofs::{KeySheet, LightClient, PageProof, trie_value};

fuzz_target!(|parts: (Vec<Vec<u8>>, Vec<u8>, String)| {
    let (nodes, key, text) = parts;
    let nodes: Vec<Bytes> = nodes.into_iter().map(Bytes::from).collect();
    if let Some(first) = nodes.first() {
        let _ = trie_value(keccak256(first), &key, &nodes);
        let page = PageProof { header: first.clone(), certificate: key.into(), links: nodes.clone() };
        let sheet = KeySheet::new(1, B256::ZERO, 4, 0, vec![B256::repeat_byte(7)]);
        if let Ok(sheet) = sheet {
            assert!(LightClient::new(sheet).page(&page).is_err());
        }
    }
    if let Ok(sheet) = KeySheet::parse(&text) {
        assert_eq!(KeySheet::parse(&sheet.print()), Ok(sheet));
    }
});
