//! The engine's own check of a certificate and the one that readers use say the same of every vector.

use alloy_primitives::{B256, Bytes};
use commonware_codec::{Copying, Decode, DecodeExt};
use commonware_consensus::simplex::{scheme::ed25519::Scheme, types::Finalization};
use commonware_cryptography::{certificate::Verifier as _, ed25519::PublicKey, sha256::Digest};
use commonware_parallel::Sequential;
use commonware_utils::{ordered::Set, test_rng};
use serde_json::Value;
use tulou_consensus::Finality;
use tulou_proofs::{EpochLink, KeySheet};

/// What the engine says.
fn engine(sheet: &KeySheet, set: &[B256], certificate: &[u8]) -> bool {
    let keys = set.iter().map(|key| PublicKey::decode(Copying(key.as_slice())).unwrap());
    let keys = Set::try_from(keys.collect::<Vec<_>>()).unwrap();
    let scheme = Scheme::verifier(&sheet.namespace(), keys);
    let config = scheme.certificate_codec_config();
    Finalization::<Scheme, Digest>::decode_cfg(Copying(certificate), &config)
        .is_ok_and(|found| found.verify(&mut test_rng(), &scheme, &Sequential))
}

/// What a reader says.
fn reader(sheet: &KeySheet, set: &[B256], certificate: &[u8]) -> bool {
    Finality::decode(certificate).is_ok_and(|found| found.verify(&sheet.namespace(), set).is_ok())
}

#[test]
fn engine_and_reader_accept_the_same_certificates() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/light.json");
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let sheet = KeySheet::parse(vectors["sheet"].as_str().unwrap()).unwrap();
    let links: Vec<EpochLink> = serde_json::from_value(vectors["links"].clone()).unwrap();
    let sets = std::iter::once(&sheet.validators).chain(links.iter().map(|link| &link.next));
    let sets: Vec<_> = sets.collect();
    let mut accepted = 0;
    let mut refused = 0;
    for case in vectors["cases"].as_array().unwrap() {
        let proof = &case["proof"];
        let found = proof.get("certificate").or_else(|| proof["page"].get("certificate"));
        let Some(bytes) = found.and_then(Value::as_str) else { continue };
        let bytes: Bytes = bytes.parse().unwrap();
        for set in &sets {
            let verdict = reader(&sheet, set, &bytes);
            assert_eq!(engine(&sheet, set, &bytes), verdict, "{}", case["name"]);
            accepted += u32::from(verdict);
            refused += u32::from(!verdict);
        }
    }
    assert!(accepted > 50 && refused > 100, "{accepted} accepted, {refused} refused");
}
