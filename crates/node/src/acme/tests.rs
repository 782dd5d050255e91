mod door;
mod pebble;

use std::{os::unix::fs::PermissionsExt, path::Path};

use rcgen::{CertificateParams, KeyPair};
use time::OffsetDateTime;

use super::*;
use crate::{SETTINGS, Settings};

fn settings(tls: &str) -> Result<Settings, String> {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "[node]\nrpc = \"0.0.0.0:0\"\n{tls}\n\
         [[ledger]]\nname = \"one\"\ndir = \"ledgers/one\"\nlisten = \"127.0.0.1:0\"\n"
    );
    std::fs::write(dir.path().join(SETTINGS), text).unwrap();
    Settings::read(dir.path()).map_err(|error| error.to_string())
}

fn acme(lines: &str) -> Result<AcmeSettings, String> {
    settings(&format!("[node.tls.acme]\n{lines}"))
        .map(|settings| settings.node.tls.unwrap().acme.unwrap())
}

/// Settings that nothing is wrong with.
fn right() -> AcmeSettings {
    acme("domains = [\"ledger.example.org\"]\naccept_terms = true").unwrap()
}

#[test]
fn settings_that_can_get_no_certificate_are_refused_with_a_cure() {
    let named = "domains = [\"ledger.example.org\"]";
    let with = |line: &str| format!("{named}\naccept_terms = true\n{line}");
    let long = format!("domains = [\"{}.org\"]\naccept_terms = true", "a".repeat(64));
    for (lines, cure) in [
        ("domains = []\naccept_terms = true".to_owned(), "\"ledger.example.org\""),
        ("domains = [\"192.0.2.7\"]\naccept_terms = true".into(), "`tulou tls new`"),
        ("domains = [\"2001:db8::7\"]\naccept_terms = true".into(), "`tulou tls new`"),
        ("domains = [\"*.example.org\"]\naccept_terms = true".into(), "each in full"),
        ("domains = [\"https://example.org\"]\naccept_terms = true".into(), "without https://"),
        ("domains = [\"桂花.example\"]\naccept_terms = true".into(), "xn--"),
        (long, "no name"),
        (named.into(), "letsencrypt.org/directory names"),
        (format!("{named}\naccept_terms = false"), "termsOfService"),
        (with("directory = \"http://ca.lan/dir\""), "no https:// address"),
        (with("contact = [\"the office\"]"), "no mail address"),
        (with("directroy = \"https://ca.lan/dir\""), "unknown field"),
    ] {
        let refused = acme(&lines).expect_err(&lines);
        assert!(refused.contains(cure), "{lines}: {refused}");
    }
    let own = "[node.tls]\ncertificate = \"a\"\nkey = \"b\"\n";
    let both = format!("{own}[node.tls.acme]\n{named}\naccept_terms = true");
    for (tls, cure) in [
        (both.as_str(), "leave one of the two"),
        ("[node.tls]\ncertificate = \"a\"", "both certificate and key"),
        ("[node.tls]\nkey = \"a\"", "both certificate and key"),
        ("[node.tls]", "neither"),
    ] {
        let refused = settings(tls).unwrap_err();
        assert!(refused.contains(cure), "{tls}: {refused}");
    }
    assert!(settings(own).is_ok());
    let right = right();
    assert_eq!(right.directory, "https://acme-v02.api.letsencrypt.org/directory");
    assert_eq!(right.dir, Path::new("acme"));
}

#[test]
fn a_start_that_can_get_no_certificate_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |settings: &AcmeSettings, rpc: &str| {
        Acme::open(dir.path(), settings, rpc.parse().unwrap()).err().unwrap().to_string()
    };
    for alone in ["127.0.0.1:8443", "[::1]:8443"] {
        let said = refused(&right(), alone);
        assert!(said.contains(alone) && said.contains("0.0.0.0"), "{said}");
    }
    let open = "0.0.0.0:8443";
    let rooted = AcmeSettings { root: Some("ca.pem".into()), ..right() };
    assert!(refused(&rooted, open).contains("ca.pem"));
    std::fs::write(dir.path().join("ca.pem"), "no certificate").unwrap();
    assert!(refused(&rooted, open).contains("ca.pem: there is no certificate in it"));
    let account = ExternalAccount { id: "kid-1".into(), key: "eab.key".into() };
    let bound = AcmeSettings { external_account: Some(account), ..right() };
    assert!(refused(&bound, open).contains("eab.key"));
    std::fs::write(dir.path().join("eab.key"), "not base64!").unwrap();
    assert!(refused(&bound, open).contains("eab.key"));
    // As authorities print them, with and without padding.
    for text in ["zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wE=\n", "zWNDZM6eQGHWpSRTPal5eA"] {
        std::fs::write(dir.path().join("eab.key"), text).unwrap();
        Acme::open(dir.path(), &bound, open.parse().unwrap()).unwrap();
    }
    let folder = std::fs::metadata(dir.path().join("acme")).unwrap().permissions().mode();
    assert_eq!(folder & 0o777, 0o700);
}

/// A certificate for some names, from and until so many seconds from now.
fn certificate(names: &[&str], from: i64, until: i64) -> (String, String) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    let at = |offset| OffsetDateTime::from_unix_timestamp(now() + offset).unwrap();
    (params.not_before, params.not_after) = (at(from), at(until));
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn what_was_fetched_is_kept_for_its_owner_alone_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("acme")).unwrap();
    assert_eq!(store.held(), None);
    let keep = |names: &[&str]| {
        let (chain, key) = certificate(names, 0, 900);
        store.keep("https://ca.lan/dir", &chain, &key, |held| match held.names.len() {
            1 => Ok(()),
            _ => Err(AcmeError::Useless("too many".into())),
        })
    };
    let held = keep(&["Ledger.Example.org"]).unwrap();
    assert_eq!(store.held().as_ref(), Some(&held));
    assert_eq!(held.names, ["ledger.example.org"]);
    assert_eq!((held.directory.as_str(), held.until - held.from), ("https://ca.lan/dir", 900));
    let mode = std::fs::metadata(store.certificate()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Certificate and key are in the one file that the door reads.
    let (file, again) = (store.certificate(), store.certificate());
    assert_eq!(TlsFiles::new(file, again).ends().unwrap(), held.until);
    assert!(keep(&["a.example", "b.example"]).is_err());
    assert!(store.keep("https://ca.lan/dir", "half a certi", "", |_| Ok(())).is_err());
    assert_eq!(store.held(), Some(held), "the old one stays");
    std::fs::write(store.certificate(), "From https://ca.lan/dir\n").unwrap();
    assert_eq!(store.held(), None);
}

fn held(from: i64, until: i64, last: u8) -> Held {
    let (directory, names) = (right().directory, right().domains);
    Held { directory, names, from, until, der: vec![0, last] }
}

#[test]
fn a_certificate_is_renewed_after_two_thirds_of_its_life_or_when_the_authority_says() {
    let ninety_days = held(1_000, 1_000 + 90 * 86_400, 0);
    assert_eq!(moment(&ninety_days, None), 1_000 + 60 * 86_400);
    for (last, at) in [(0, 5_000), (128, 6_000), (255, 7_992)] {
        let window = if last == 255 { (5_000, 8_004) } else { (5_000, 7_000) };
        assert_eq!(moment(&held(0, 9_000, last), Some(window)), at, "{last}");
    }
    for window in [(7_000, 9_001), (7_000, 5_000)] {
        assert_eq!(moment(&held(0, 9_000, 0), Some(window)), 6_000, "not believed: {window:?}");
    }
    assert_eq!(moment(&held(0, 9_000, 0), Some((-50, -10))), -50, "at once, if it says so");
}

#[test]
fn a_certificate_for_other_names_or_of_another_authority_is_replaced() {
    let one = held(0, 9_000, 0);
    assert!(is_wanted(&one, &right()));
    let two = AcmeSettings {
        domains: vec!["ledger.example.org".into(), "guihua.example.org".into()],
        ..right()
    };
    assert!(!is_wanted(&one, &two));
    assert!(is_wanted(&Held { names: two.domains.clone(), ..one.clone() }, &two));
    assert!(is_wanted(&Held { names: two.domains, ..one.clone() }, &right()), "one name less");
    let elsewhere = AcmeSettings { directory: "https://ca.lan/dir".into(), ..right() };
    assert!(!is_wanted(&one, &elsewhere));
}

#[test]
fn an_authority_is_not_asked_more_than_five_times_in_an_hour() {
    let waits: Vec<u64> = (0..7).map(|failures| back_off(failures).as_secs()).collect();
    assert_eq!(waits, [60, 180, 540, 1_620, 4_860, 14_580, 21_600]);
    assert_eq!(back_off(u32::MAX), LONGEST_WAIT);
    // Five attempts and the four waits between them, and the sixth comes later.
    assert!(waits[..4].iter().sum::<u64>() < 3_600 && waits[..5].iter().sum::<u64>() > 3_600);
}
