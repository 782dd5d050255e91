use std::{os::unix::fs::PermissionsExt, process::Command};

use super::*;

/// What OpenSSL says of a certificate for a server under a name, by an authority.
fn judged(dir: &Path, check: &[&str]) -> (bool, String) {
    let authority = dir.join(AUTHORITY_CERTIFICATE);
    let output = Command::new("openssl")
        .args(["verify", "-purpose", "sslserver", "-x509_strict"])
        .args(check)
        .arg("-CAfile")
        .arg(&authority)
        .arg(dir.join(NODE_CERTIFICATE))
        .output()
        .expect("the command openssl (package openssl) is needed to check certificates");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn openssl_accepts_the_certificate_for_its_names_and_no_other() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("tls");
    new(&dir, &["ledger.lan".into(), "192.168.1.10".into()]).unwrap();
    for check in [["-verify_hostname", "ledger.lan"], ["-verify_ip", "192.168.1.10"]] {
        let (accepted, said) = judged(&dir, &check);
        assert!(accepted, "{check:?}: {said}");
    }
    for check in [["-verify_hostname", "bank.example"], ["-verify_ip", "192.168.1.11"]] {
        assert!(!judged(&dir, &check).0, "{check:?}");
    }
    for secret in [AUTHORITY_KEY, NODE_KEY] {
        let mode = fs::metadata(dir.join(secret)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
}

#[test]
fn a_stolen_authority_cannot_vouch_for_a_bank() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("tls");
    new(&dir, &["ledger.lan".into()]).unwrap();
    // The thief asks for another name.
    fs::write(dir.join(NAMES), "bank.example\n").unwrap();
    certify(&dir).unwrap();
    let (accepted, said) = judged(&dir, &["-verify_hostname", "bank.example"]);
    assert!(!accepted && said.contains("permitted subtree violation"), "{said}");
}

#[test]
fn a_renewed_certificate_is_by_the_same_authority() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("tls");
    new(&dir, &["ledger.lan".into()]).unwrap();
    let files = [AUTHORITY_CERTIFICATE, NODE_CERTIFICATE, NODE_KEY];
    let before = files.map(|name| fs::read(dir.join(name)).unwrap());
    renew(&dir).unwrap();
    let after = files.map(|name| fs::read(dir.join(name)).unwrap());
    assert_eq!(before[0], after[0]);
    assert!(before[1] != after[1] && before[2] != after[2]);
    assert!(judged(&dir, &["-verify_hostname", "ledger.lan"]).0);
}

#[test]
fn nothing_is_written_over_and_nothing_is_half_done() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("tls");
    for wrong in ["", "http://ledger.lan", "ledger.lan:8545", "a..b", "-a", "under_score"] {
        let failure = new(&dir, &["ledger.lan".into(), wrong.into()]).unwrap_err().to_string();
        assert!(failure.contains(&format!("{wrong:?} is neither")), "{failure}");
        assert!(!dir.exists());
    }
    let missing = renew(&dir).unwrap_err().to_string();
    assert!(missing.contains("tls/names") && missing.contains("tulou tls new"), "{missing}");
    new(&dir, &["ledger.lan".into()]).unwrap();
    let again = new(&dir, &["ledger.lan".into()]).unwrap_err().to_string();
    assert!(again.contains("is there already") && again.contains("renew"), "{again}");
}

#[test]
fn the_advice_says_what_a_bare_address_cannot_do() {
    let advice = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        super::advice(Path::new("tls"), &names, b"")
    };
    assert!(advice(&["192.168.1.10"]).contains("need a name"));
    assert!(!advice(&["192.168.1.10", "ledger.lan"]).contains("need a name"));
    // SHA-256 of nothing, a well-known value.
    assert!(advice(&["a"]).contains("E3:B0:C4:42:98:FC:1C:14"));
}
