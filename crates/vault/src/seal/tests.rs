use alloy_primitives::hex;
use sm4::cipher::BlockEncrypt;

use super::*;

const BOTH: [Suite; 2] = [Suite::Aes256Gcm, Suite::Sm4Gcm];

#[test]
fn sm4_gives_the_examples_of_gb_t_32907() {
    let key = hex!("0123456789abcdeffedcba9876543210");
    let cipher = Sm4::new(&key.into());
    let mut block = key.into();
    cipher.encrypt_block(&mut block);
    assert_eq!(block[..], hex!("681edf34d206965e86b3e94f536e4246"));
    for _ in 1..1_000_000 {
        cipher.encrypt_block(&mut block);
    }
    assert_eq!(block[..], hex!("595298c7c6fd271f0402f804c33d3f66"));
}

#[test]
fn sm4_gcm_gives_the_example_of_rfc_8998() {
    let key = hex!("0123456789abcdeffedcba9876543210");
    let nonce = hex!("00001234567800000000abcd");
    let aad = hex!("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let data = hex!(
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
        "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
    );
    let sealed = hex!(
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    );
    let ours = Suite::Sm4Gcm.seal_with(&key, nonce, &aad, &data);
    assert_eq!(ours[..NONCE], nonce);
    assert_eq!(ours[NONCE..], sealed);
    assert_eq!(*Suite::Sm4Gcm.open(&key, &aad, &ours).unwrap(), data);
}

/// Test case 16 of the mode's specification.
#[test]
fn aes_256_gcm_gives_the_example_of_its_specification() {
    let key = hex!("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    let nonce = hex!("cafebabefacedbaddecaf888");
    let aad = hex!("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let data = hex!(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    );
    let sealed = hex!(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b"
    );
    let ours = Suite::Aes256Gcm.seal_with(&key, nonce, &aad, &data);
    assert_eq!(ours[NONCE..], sealed);
    assert_eq!(*Suite::Aes256Gcm.open(&key, &aad, &ours).unwrap(), data);
}

#[test]
fn nothing_opens_but_the_same_bytes_under_the_same_key() {
    for suite in BOTH {
        let key = suite.random_key().unwrap();
        let other = suite.random_key().unwrap();
        assert_ne!(key, other);
        for data in [&b""[..], b"\x01", &[7; 1_000]] {
            let sealed = suite.seal(&key, b"aad", data).unwrap();
            assert_eq!(sealed.len(), NONCE + data.len() + TAG);
            assert_eq!(suite.open(&key, b"aad", &sealed).unwrap().as_slice(), data);
            assert_ne!(suite.seal(&key, b"aad", data).unwrap(), sealed, "a nonce came twice");
            assert!(suite.open(&other, b"aad", &sealed).is_none());
            assert!(suite.open(&key, b"aae", &sealed).is_none());
            assert!(suite.open(&key, b"", &sealed).is_none());
            for place in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[place] ^= 0x80;
                assert!(suite.open(&key, b"aad", &changed).is_none(), "{suite:?} byte {place}");
            }
            for length in [0, 1, NONCE, NONCE + TAG - 1, sealed.len() - 1] {
                assert!(suite.open(&key, b"aad", &sealed[..length]).is_none());
            }
            for wrong in BOTH.into_iter().filter(|wrong| *wrong != suite) {
                assert!(wrong.open(&key, b"aad", &sealed).is_none());
            }
        }
    }
}
