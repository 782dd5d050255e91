//! The standards' own examples, what must be refused, and OpenSSL as a second hand.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use alloy_primitives::{U256, b256, hex};

use super::*;

/// Order of the curve of GB/T 32918.5.
const ORDER: B256 = b256!("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123");

/// GB/T 32918.5, annex A: the message "message digest" signed by a user of the default identity.
const D: B256 = b256!("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8");
const KEY: Sm2PublicKey = Sm2PublicKey {
    x: b256!("09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"),
    y: b256!("ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"),
};
const MESSAGE: &[u8] = b"message digest";
const E: B256 = b256!("f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640");
const SIGNATURE: Sm2Signature = Sm2Signature {
    r: b256!("f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"),
    s: b256!("b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"),
};

#[test]
fn sm3_gives_the_examples_of_gb_t_32905() {
    let long = b"abcd".repeat(16);
    for (data, hash) in [
        (&b"abc"[..], b256!("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")),
        (&long, b256!("debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732")),
    ] {
        assert_eq!(sm3(data), hash);
    }
}

#[test]
fn the_example_of_gb_t_32918_verifies() {
    let key = Sm2Key::from_bytes(&D).expect("a private key");
    assert_eq!(key.public_key(), KEY);
    assert!(KEY.verifies(MESSAGE, &SIGNATURE));
    assert!(KEY.verifies_digest(&E, &SIGNATURE));
    // The nonce of the example is another than ours: both signatures are good.
    let ours = key.sign(MESSAGE);
    assert_ne!(ours, SIGNATURE);
    assert!(KEY.verifies(MESSAGE, &ours));
    assert!(KEY.verifies_digest(&E, &ours));
}

/// The sum modulo 2^256.
fn add(number: B256, other: B256) -> B256 {
    U256::from_be_bytes(number.0).wrapping_add(U256::from_be_bytes(other.0)).into()
}

/// The order less the number.
fn minus(number: B256) -> B256 {
    U256::from_be_bytes(ORDER.0).wrapping_sub(U256::from_be_bytes(number.0)).into()
}

#[test]
fn signatures_out_of_range_or_of_something_else_are_refused() {
    let one = B256::with_last_byte(1);
    let Sm2Signature { r, s } = SIGNATURE;
    for (why, r, s) in [
        ("r is 0", B256::ZERO, s),
        ("s is 0", r, B256::ZERO),
        ("r is the order", ORDER, s),
        ("s is the order", r, ORDER),
        ("both are 0", B256::ZERO, B256::ZERO),
        ("r is the largest number", B256::repeat_byte(0xff), s),
        ("s is the largest number", r, B256::repeat_byte(0xff)),
        ("r + s is the order", r, minus(r)),
        ("another r", add(r, one), s),
        ("another s", r, add(s, one)),
        ("s is negated, as ECDSA would allow", r, minus(s)),
        ("r is negated", minus(r), s),
        ("both are negated", minus(r), minus(s)),
        ("they are exchanged", s, r),
    ] {
        assert!(!KEY.verifies(MESSAGE, &Sm2Signature { r, s }), "{why}");
        assert!(!KEY.verifies_digest(&E, &Sm2Signature { r, s }), "{why}");
    }
    assert!(!KEY.verifies(b"message digesT", &SIGNATURE));
    assert!(!KEY.verifies(b"", &SIGNATURE));
    assert!(!KEY.verifies_digest(&B256::ZERO, &SIGNATURE));
    // e alone is not the message: without ZA it is another signature.
    assert!(!KEY.verifies_digest(&sm3(MESSAGE), &SIGNATURE));
}

#[test]
fn r_and_s_have_one_form() {
    // A number below 2^256 less the order has a second form in 32 bytes: itself plus the order.
    let small = B256::with_last_byte(0xff);
    for shifted in [add(small, ORDER), add(B256::with_last_byte(1), ORDER), add(B256::ZERO, ORDER)]
    {
        assert!(shifted >= ORDER);
        assert!(Sm2Signature { r: small, s: small }.scalars().is_some());
        assert!(Sm2Signature { r: shifted, s: small }.scalars().is_none(), "r above the order");
        assert!(Sm2Signature { r: small, s: shifted }.scalars().is_none(), "s above the order");
    }
}

#[test]
fn keys_that_are_no_points_are_refused() {
    let field = b256!("fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff");
    let Sm2PublicKey { x, y } = KEY;
    for (why, x, y) in [
        ("not on the curve", x, add(y, B256::with_last_byte(1))),
        ("exchanged coordinates", y, x),
        ("nothing", B256::ZERO, B256::ZERO),
        ("x is the field's order", field, y),
        ("both too large", B256::repeat_byte(0xff), B256::repeat_byte(0xff)),
    ] {
        assert!(!Sm2PublicKey { x, y }.verifies(MESSAGE, &SIGNATURE), "{why}");
    }
    // Another key's signature: ZA binds the key, so that not even the digest is the same.
    let other = Sm2Key::from_bytes(&B256::repeat_byte(7)).expect("a private key").public_key();
    assert!(!other.verifies(MESSAGE, &SIGNATURE));
    assert!(!other.verifies_digest(&E, &SIGNATURE));
}

#[test]
fn private_keys_lie_between_zero_and_the_order_less_one() {
    let largest = add(ORDER, B256::repeat_byte(0xff));
    for (bytes, good) in [
        (B256::ZERO, false),
        (B256::with_last_byte(1), true),
        (ORDER, false),
        (largest, false),
        (B256::repeat_byte(0xff), false),
    ] {
        assert_eq!(Sm2Key::from_bytes(&bytes).is_some(), good, "{bytes}");
    }
}

#[test]
fn the_address_is_separate_from_that_of_other_kinds_of_keys() {
    let point = [KEY.x.0, KEY.y.0].concat();
    assert_ne!(KEY.address(), Address::from_raw_public_key(&point));
    let preimage = [&[0x53][..], &point].concat();
    assert_eq!(KEY.address().as_slice(), &keccak256(preimage)[12..]);
}

/// OpenSSL's command line on files in a folder of its own; `None`, said plainly, where there is none.
struct OpenSsl(tempfile::TempDir);

impl OpenSsl {
    fn find() -> Option<Self> {
        let asked = Command::new("openssl").arg("version").stderr(Stdio::null()).output();
        let version = match asked {
            Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
            Err(error) => {
                eprintln!(
                    "NOT CHECKED AGAINST OPENSSL: the command `openssl` is not there: {error}"
                );
                return None;
            }
        };
        if !version.starts_with("OpenSSL 3") {
            eprintln!("NOT CHECKED AGAINST OPENSSL: version 3 is needed, this is {version}");
            return None;
        }
        Some(Self(tempfile::tempdir().expect("a folder")))
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::join(self.0.path(), name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("a file");
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("a file")
    }

    /// Whether the command succeeds, and what it prints.
    fn run(&self, command: &str) -> (bool, String) {
        let mut openssl = Command::new("openssl");
        openssl.args(command.split(' ')).current_dir(self.0.path());
        let output = openssl.output().expect("openssl runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    fn must(&self, command: &str) -> String {
        let (done, said) = self.run(command);
        assert!(done, "openssl {command}: {said}");
        said
    }
}

/// SubjectPublicKeyInfo up to the point: id-ecPublicKey on the curve 1.2.156.10197.1.301.
const SPKI: [u8; 26] = hex!("3059301306072a8648ce3d020106082a811ccf5501822d034200");
const VERIFY: &str = "pkeyutl -verify -pubin -keyform DER -inkey key.der -in message -sigfile \
                      signature -rawin -digest sm3 -pkeyopt distid:1234567812345678";
const SIGN: &str = "pkeyutl -sign -keyform DER -inkey secret.der -in message -out signature \
                    -rawin -digest sm3 -pkeyopt distid:1234567812345678";

/// SEQUENCE of two INTEGERs.
fn to_der(signature: &Sm2Signature) -> Vec<u8> {
    let integer = |number: &B256| {
        let digits = number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
        let zero = if digits.first().is_some_and(|byte| *byte >= 0x80) { vec![0] } else { vec![] };
        let length = (digits.len() + zero.len()) as u8;
        [vec![2, length], zero, digits].concat()
    };
    let body = [integer(&signature.r), integer(&signature.s)].concat();
    [vec![0x30, body.len() as u8], body].concat()
}

fn from_der(der: &[u8]) -> Sm2Signature {
    let number = |at: usize| {
        let length = usize::from(der[at + 1]);
        let digits = &der[at + 2..at + 2 + length];
        let digits = digits.strip_prefix(&[0]).unwrap_or(digits);
        (B256::left_padding_from(digits), at + 2 + length)
    };
    let (r, next) = number(2);
    Sm2Signature { r, s: number(next).0 }
}

#[test]
fn openssl_verifies_what_is_signed_here() {
    let Some(openssl) = OpenSsl::find() else { return };
    let key = Sm2Key::from_bytes(&D).expect("a private key");
    openssl.write("key.der", &[&SPKI[..], &[4], &KEY.x[..], &KEY.y[..]].concat());
    for (message, signature) in [
        (MESSAGE.to_vec(), SIGNATURE),
        (MESSAGE.to_vec(), key.sign(MESSAGE)),
        (vec![0x53; 1_000], key.sign(&[0x53; 1_000])),
    ] {
        openssl.write("message", &message);
        openssl.write("signature", &to_der(&signature));
        openssl.must(VERIFY);
        openssl.write("message", &[&message[..], b"."].concat());
        assert!(!openssl.run(VERIFY).0, "OpenSSL takes another message");
    }
}

#[test]
fn what_openssl_signs_verifies_here() {
    let Some(openssl) = OpenSsl::find() else { return };
    openssl
        .must("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2 -outform DER -out secret.der");
    openssl.must("pkey -inform DER -in secret.der -pubout -outform DER -out key.der");
    let public = openssl.read("key.der");
    let (start, point) = public.split_at(public.len() - 64);
    assert_eq!(start, [&SPKI[..], &[4]].concat());
    let key = Sm2PublicKey { x: B256::from_slice(&point[..32]), y: B256::from_slice(&point[32..]) };
    for message in [&b"m"[..], MESSAGE, &[0x77; 777]] {
        openssl.write("message", message);
        openssl.must(SIGN);
        let signature = from_der(&openssl.read("signature"));
        assert!(key.verifies(message, &signature), "{}", hex::encode(message));
        assert!(!key.verifies(&[message, b"."].concat(), &signature));
        assert!(!KEY.verifies(message, &signature));
    }
}

#[test]
fn openssl_and_this_agree_on_sm3() {
    let Some(openssl) = OpenSsl::find() else { return };
    for length in [0usize, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1_000, 65_537] {
        let data: Vec<u8> = (0..length).map(|i| (i * 131 + 7) as u8).collect();
        openssl.write("data", &data);
        openssl.must("dgst -sm3 -binary -out hash data");
        assert_eq!(sm3(&data).as_slice(), openssl.read("hash"), "{length} bytes");
    }
}
