//! Batches at their bounds. `vectors.json` holds what `viem/tempo` signs (made by
//! `tests/clients/lib/batch-vectors.js`); the rest is signed here.

use alloy_primitives::{U256, address, hex, uint};
use aws_lc_rs::{
    digest::{Digest, SHA256},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Vector {
    name: String,
    sender: Address,
    hash: B256,
    raw: Bytes,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn vector(name: &str) -> Vector {
    vectors().into_iter().find(|vector| vector.name == name).unwrap()
}

fn refusal(raw: impl Into<Bytes>) -> TxError {
    Tx::decode(raw.into()).unwrap_err()
}

#[test]
fn what_viem_signs_has_viems_account_and_hash() {
    for name in ["secp256k1", "p256", "webauthn", "window", "access list", "keychain"] {
        let Vector { sender, hash, raw, .. } = vector(name);
        let tx = Tx::decode(raw.clone()).unwrap();
        assert_eq!(tx.sender(), Ok(sender), "{name}");
        assert_eq!(tx.hash(), hash, "{name}");
        let envelope = tx.envelope().clone();
        assert_eq!(envelope.tx_type(), TxType::Batch);
        assert_eq!(*Tx::from_envelope(envelope).raw(), raw, "{name}");
        let batch = &tx.envelope().as_batch().unwrap().batch;
        assert_eq!((batch.chain_id, batch.nonce, batch.gas_limit), (8_899, 7, 200_000));
        assert_eq!((batch.max_fee_per_gas, batch.max_priority_fee_per_gas), (3, 2));
        assert_eq!(batch.calls.len(), 2);
        let first = &batch.calls[0];
        assert_eq!(first.to, address!("7755000000000000000000000000000000000004"));
        assert_eq!((first.value, first.input.as_ref()), (U256::ZERO, &hex!("01020300")[..]));
        assert_eq!(batch.total_value(), U256::from(5));
    }
    let tx = Tx::decode(vector("window").raw).unwrap();
    assert_eq!(tx.envelope().window(), Some(Window { after: 1_000, before: 2_000 }));
    let tx = Tx::decode(vector("access list").raw).unwrap();
    assert_eq!(tx.envelope().as_batch().unwrap().batch.access_list.0[0].storage_keys.len(), 2);
}

#[test]
fn what_the_subset_leaves_out_is_refused_by_name() {
    for (name, want) in [
        ("nonce key", BatchError::NonceKey),
        ("fee token", BatchError::FeeToken),
        ("fee payer", BatchError::FeePayer),
        ("create", BatchError::Create(0)),
        ("key authorization", BatchError::KeyAuthorization),
    ] {
        assert_eq!(refusal(vector(name).raw), TxError::Batch(want), "{name}");
    }
}

#[test]
fn only_the_whole_transaction_decodes() {
    for name in ["secp256k1", "p256", "webauthn"] {
        let raw = vector(name).raw;
        for cut in 0..raw.len() {
            assert!(matches!(refusal(raw.slice(..cut)), TxError::Malformed(_)), "{name} at {cut}");
        }
        let longer = [&raw[..], &[0]].concat();
        assert!(matches!(refusal(longer), TxError::Malformed(_)), "{name}");
    }
}

#[test]
fn an_altered_byte_changes_the_account_or_is_refused() {
    for name in ["secp256k1", "p256", "webauthn"] {
        let Vector { sender, raw, .. } = vector(name);
        for at in 0..raw.len() {
            let mut altered = raw.to_vec();
            altered[at] ^= 1;
            if let Ok(tx) = Tx::decode(altered.into()) {
                assert_ne!(tx.sender().ok(), Some(sender), "{name} at {at}");
            }
        }
    }
}

/// A P-256 key.
struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn account(&self) -> Address {
        Address::from_slice(&keccak256(&self.0.public_key().as_ref()[1..])[12..])
    }

    /// A signature with the lower `s`.
    fn sign(&self, digest: B256) -> P256Signature {
        let digest = Digest::import_less_safe(digest.as_slice(), &SHA256).unwrap();
        let bytes = self.0.sign_digest(&digest).unwrap();
        let (r, s) = bytes.as_ref().split_at(32);
        let mut s = U256::from_be_slice(s);
        if s > HALF {
            s = ORDER - s;
        }
        let key = self.0.public_key().as_ref();
        P256Signature {
            r: B256::from_slice(r),
            s: s.into(),
            x: B256::from_slice(&key[1..33]),
            y: B256::from_slice(&key[33..]),
        }
    }
}

const ORDER: U256 = uint!(0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551_U256);
const HALF: U256 = uint!(0x7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8_U256);

fn sha256(bytes: &[u8]) -> B256 {
    B256::from_slice(aws_lc_rs::digest::digest(&SHA256, bytes).as_ref())
}

#[test]
fn p256_at_its_bounds() {
    let (key, hash) = (Key::new(), B256::repeat_byte(7));
    let good = key.sign(hash);
    let check = |signature, prehash| BatchSignature::P256 { signature, prehash }.recover(hash);
    assert_eq!(check(good, false), Ok(key.account()));
    assert_eq!(check(key.sign(sha256(hash.as_slice())), true), Ok(key.account()));
    assert_eq!(check(good, true), Err(SignatureError::Forged));
    let with = |change: fn(&mut P256Signature)| {
        let mut signature = good;
        change(&mut signature);
        signature
    };
    let (zero, high) = (B256::ZERO, B256::repeat_byte(0xff));
    for (what, signature, want) in [
        (
            "upper s",
            P256Signature { s: (ORDER - U256::from_be_bytes(good.s.0)).into(), ..good },
            SignatureError::HighS,
        ),
        (
            "s just above half",
            P256Signature { s: (HALF + U256::from(1)).into(), ..good },
            SignatureError::HighS,
        ),
        ("s at half", P256Signature { s: HALF.into(), ..good }, SignatureError::Forged),
        ("s of zero", P256Signature { s: zero, ..good }, SignatureError::Forged),
        ("r of zero", P256Signature { r: zero, ..good }, SignatureError::Forged),
        ("r of the order", P256Signature { r: ORDER.into(), ..good }, SignatureError::Forged),
        ("no point", P256Signature { y: high, ..good }, SignatureError::BadKey),
        (
            "the point of nothing",
            P256Signature { x: zero, y: zero, ..good },
            SignatureError::BadKey,
        ),
        (
            "another point",
            with(|it| it.y = (P - U256::from_be_bytes(it.y.0)).into()),
            SignatureError::Forged,
        ),
    ] {
        assert_eq!(check(signature, false), Err(want), "{what}");
    }
}

/// The field of P-256: `(x, p - y)` is on the curve where `(x, y)` is.
const P: U256 = uint!(0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF_U256);

/// A WebAuthn signature over these client data, with these flags.
fn passkey(key: &Key, flags: u8, client: &str) -> BatchSignature {
    let mut authenticator = [9; 37];
    authenticator[32] = flags;
    let message = [&authenticator[..], sha256(client.as_bytes()).as_slice()].concat();
    let data = [&authenticator[..], client.as_bytes()].concat().into();
    BatchSignature::WebAuthn { data, signature: key.sign(sha256(&message)) }
}

#[test]
fn webauthn_at_its_bounds() {
    let (key, hash) = (Key::new(), B256::repeat_byte(7));
    // base64url of 32 times 7.
    let challenge = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    let client = |kind: &str, challenge: &str| {
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"https://a.b"}}"#)
    };
    let good = client("webauthn.get", challenge);
    let upper = challenge.to_uppercase();
    let padded = format!("{challenge}=");
    for (what, flags, client, want) in [
        ("present", 0x01, good.clone(), Ok(())),
        ("verified", 0x04, good.clone(), Ok(())),
        ("both, and backed up", 0x1d, good.clone(), Ok(())),
        ("nobody", 0x00, good.clone(), Err(SignatureError::NoPerson)),
        ("nobody, backed up", 0x18, good.clone(), Err(SignatureError::NoPerson)),
        ("a new key", 0x45, good.clone(), Err(SignatureError::Attested)),
        ("extensions", 0x85, good.clone(), Err(SignatureError::Extensions)),
        (
            "a registration",
            0x05,
            client("webauthn.create", challenge),
            Err(SignatureError::WrongType),
        ),
        ("no type", 0x05, good.replace("type", "tipe"), Err(SignatureError::ClientData)),
        ("two types", 0x05, good.replace("origin", "type"), Err(SignatureError::ClientData)),
        ("no JSON", 0x05, good.replace('{', "["), Err(SignatureError::ClientData)),
        ("JSON and more", 0x05, format!("{good} x"), Err(SignatureError::ClientData)),
        (
            "another challenge",
            0x05,
            client("webauthn.get", &upper),
            Err(SignatureError::WrongChallenge),
        ),
        (
            "a padded challenge",
            0x05,
            client("webauthn.get", &padded),
            Err(SignatureError::WrongChallenge),
        ),
        ("no challenge", 0x05, client("webauthn.get", ""), Err(SignatureError::WrongChallenge)),
    ] {
        let want = want.map(|()| key.account());
        assert_eq!(passkey(&key, flags, &client).recover(hash), want, "{what}");
    }
    let other = passkey(&key, 0x05, &good).recover(B256::repeat_byte(8));
    assert_eq!(other, Err(SignatureError::WrongChallenge));
    let BatchSignature::WebAuthn { data, signature } = passkey(&key, 0x05, &good) else {
        panic!("not WebAuthn")
    };
    let high = (ORDER - U256::from_be_bytes(signature.s.0)).into();
    let upper = P256Signature { s: high, ..signature };
    let upper = BatchSignature::WebAuthn { data: data.clone(), signature: upper };
    assert_eq!(upper.recover(hash), Err(SignatureError::HighS));
    let mut counted = data.to_vec();
    counted[36] += 1;
    let counted = BatchSignature::WebAuthn { data: counted.into(), signature };
    assert_eq!(counted.recover(hash), Err(SignatureError::Forged));
    for cut in 0..data.len() {
        let cut = BatchSignature::WebAuthn { data: data.slice(..cut), signature };
        assert!(cut.recover(hash).is_err());
    }
}

#[test]
fn signatures_have_one_form_each() {
    let of = |bytes: &[u8]| BatchSignature::from_bytes(bytes);
    let bytes = |kind: u8, rest: usize| [&[kind][..], &vec![0; rest]].concat();
    let mut prehash = bytes(1, 129);
    for (byte, want) in [(0, true), (1, true), (2, false), (0xff, false)] {
        prehash[129] = byte;
        assert_eq!(of(&prehash).is_ok(), want, "prehash byte {byte}");
    }
    for v in 0..=u8::MAX {
        let read = of(&[&[1; 64][..], &[v]].concat());
        let refused = Err(BatchError::SignatureByte(v, "27 or 28"));
        assert!(if v == 27 || v == 28 { read.is_ok() } else { read == refused }, "v {v}");
    }
    for (kind, rest, want) in [
        (1, 128, Err(BatchError::SignatureLength(129))),
        (1, 130, Err(BatchError::SignatureLength(131))),
        (2, 127, Err(BatchError::SignatureLength(128))),
        (2, 128, Ok(())),
        (2, 2_048, Ok(())),
        (2, 2_049, Err(BatchError::SignatureLength(2_050))),
        (0, 70, Err(BatchError::SignatureKind(0))),
        (3, 20 + 65, Err(BatchError::SignatureKind(3))),
        (4, 19, Err(BatchError::SignatureLength(20))),
        (4, 20, Err(BatchError::SignatureLength(0))),
        (4, 20 + 64, Err(BatchError::SignatureKind(0))),
        (4, 20 + 65, Err(BatchError::SignatureByte(0, "27 or 28"))),
        (5, 70, Err(BatchError::SignatureKind(5))),
    ] {
        let bytes = bytes(kind, rest);
        let read = of(&bytes);
        assert_eq!(read.clone().map(|_| ()), want, "{kind} with {rest}");
        assert!(read.is_err() || read.unwrap().to_bytes() == bytes);
    }
    assert_eq!(of(&[]), Err(BatchError::SignatureLength(0)));
}

#[test]
fn a_key_signs_for_one_account_alone() {
    let tx = Tx::decode(vector("keychain").raw).unwrap();
    let signed = tx.envelope().as_batch().unwrap();
    let BatchSignature::Keychain { account, inner } = &signed.signature else {
        panic!("{:?}", signed.signature)
    };
    assert_eq!((*account, signed.signature.kind()), (tx.sender().unwrap(), KeyKind::P256));
    let BatchSignature::P256 { signature, .. } = &**inner else { panic!("{inner:?}") };
    assert_eq!(signed.key_of_account(), Ok(Some(signature.account())));
    assert_ne!(signature.account(), *account);
    // The same signature under another account, or without any, is none.
    let other = BatchSignature::Keychain { account: Address::repeat_byte(1), inner: inner.clone() };
    let hash = signed.batch.signing_hash();
    for wrong in [&other, &**inner] {
        assert_eq!(wrong.recover(hash), Err(SignatureError::Forged));
    }
    assert_eq!(inner.key_of_account(hash), Ok(None));
    // A key of a key is none, and neither is the kind that names no account.
    let twice = [&[4u8][..], &[1; 20], &signed.signature.to_bytes()].concat();
    assert_eq!(BatchSignature::from_bytes(&twice), Err(BatchError::SignatureKind(4)));
    let old = [&[3u8][..], &signed.signature.to_bytes()[1..]].concat();
    assert_eq!(BatchSignature::from_bytes(&old), Err(BatchError::SignatureKind(3)));
    let shown = serde_json::to_value(tx.envelope()).unwrap();
    assert_eq!(shown["signature"]["type"], "keychain");
    assert_eq!(shown["signature"]["version"], "v2");
    assert_eq!(shown["signature"]["userAddress"], serde_json::to_value(account).unwrap());
    assert_eq!(shown["signature"]["signature"]["type"], "p256");
}

#[test]
fn a_batch_needs_a_call_and_a_window() {
    let raw = |calls: usize, after, before| {
        let calls = vec![Call::default(); calls];
        let window = Window { after, before };
        let signature = BatchSignature::P256 { signature: Default::default(), prehash: false };
        SignedBatch { batch: Batch { calls, window, ..Default::default() }, signature }
            .encoded_2718()
    };
    assert_eq!(refusal(raw(0, 0, 0)), TxError::Batch(BatchError::NoCalls));
    for (after, before) in [(20, 20), (20, 19), (20, 1)] {
        let want = BatchError::EmptyWindow { after, before };
        assert_eq!(refusal(raw(1, after, before)), TxError::Batch(want));
    }
    for (after, before) in [(0, 0), (20, 0), (0, 20), (19, 20)] {
        assert!(Tx::decode(raw(1, after, before).into()).is_ok());
    }
}

#[test]
fn a_window_has_a_first_second_and_one_after_its_last() {
    let window = Window { after: 10, before: 20 };
    for (now, ahead, over) in
        [(9, true, false), (10, false, false), (19, false, false), (20, false, true)]
    {
        assert_eq!((window.is_ahead(now), window.is_over(now)), (ahead, over), "at {now}");
    }
    let open = Window::default();
    assert!(!open.is_ahead(0) && !open.is_over(u64::MAX));
}

#[test]
fn a_batch_shows_clients_what_they_look_for() {
    let shown =
        |name| serde_json::to_value(Tx::decode(vector(name).raw).unwrap().envelope()).unwrap();
    let passkey = shown("window");
    for (field, want) in [
        ("type", serde_json::json!("0x76")),
        ("nonce", "0x7".into()),
        ("nonceKey", "0x0".into()),
        ("gas", "0x30d40".into()),
        ("validAfter", "0x3e8".into()),
        ("validBefore", "0x7d0".into()),
        ("to", "0x7755000000000000000000000000000000000004".into()),
        ("value", "0x0".into()),
        ("input", "0x01020300".into()),
        ("r", "0x0".into()),
        ("s", "0x0".into()),
        ("v", "0x0".into()),
        ("yParity", "0x0".into()),
        ("feeToken", serde_json::Value::Null),
        ("aaAuthorizationList", serde_json::json!([])),
    ] {
        assert_eq!(passkey[field], want, "{field}");
    }
    assert_eq!(passkey["calls"][1]["value"], "0x5");
    assert_eq!(passkey["signature"]["type"], "webAuthn");
    assert_eq!(shown("p256")["signature"]["preHash"], false);
    let ecdsa = shown("secp256k1");
    assert_eq!(ecdsa["signature"]["type"], "secp256k1");
    assert_eq!(ecdsa["signature"]["r"], ecdsa["r"]);
    assert_ne!(ecdsa["r"], "0x0");
}

#[test]
fn a_message_is_signed_by_the_kinds_of_a_batch_and_by_sm2() {
    let hash = B256::repeat_byte(7);
    let key = crate::sm::Sm2Key::from_bytes(&B256::repeat_byte(5)).unwrap();
    let bytes = MessageSignature::by_sm2(&key, hash).to_bytes();
    assert_eq!((bytes.len(), bytes[0]), (129, 0x53));
    let read = MessageSignature::from_bytes(&bytes).unwrap();
    let account = key.public_key().address();
    assert_eq!(read.signer(hash), Ok(Signer { account, key: None, suite: Suite::Sm2 }));
    assert_eq!(read.signer(B256::ZERO), Err(SignatureError::Sm2));
    for length in [1, 64, 128, 130] {
        let wrong = vec![0x53; length];
        let error = MessageSignature::from_bytes(&wrong).unwrap_err();
        assert!(matches!(error, BatchError::SignatureLength(_)), "{length}: {error}");
    }
    // 65 bytes are secp256k1's, whatever the first one is.
    let mut secp = vec![0x53; 65];
    secp[64] = 27;
    let read = MessageSignature::from_bytes(&secp).unwrap();
    assert!(matches!(read, MessageSignature::Key(BatchSignature::Secp256k1(_))), "{read:?}");
    assert_eq!(read.to_bytes(), secp);
}
