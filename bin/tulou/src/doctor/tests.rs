use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path};

use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use tulou_node::{AcmeSettings, TlsSettings, VaultSettings};
use tulou_vault::{LocalMaster, Suite, Unlock, Vault, random_id};

use super::{Finding, Verdict, machine, peers, tls, vault};

#[test]
fn free_space_is_judged_at_its_limits() {
    const GIB: u64 = 1 << 30;
    for (free, verdict) in [
        (GIB - 1, Verdict::Fail),
        (GIB, Verdict::Warn),
        (5 * GIB - 1, Verdict::Warn),
        (5 * GIB, Verdict::Ok),
    ] {
        assert_eq!(machine::space(free).verdict, verdict, "{free}");
    }
}

#[test]
fn a_budget_warns_before_it_is_used_up() {
    for (used, verdict) in [(800, Verdict::Ok), (801, Verdict::Warn), (1_001, Verdict::Fail)] {
        assert_eq!(machine::within(used, 1_000).verdict, verdict, "{used}");
    }
}

#[test]
fn a_taken_port_is_named_unless_the_node_has_it() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    let found = machine::port("port", address, false);
    assert_eq!(found.verdict, Verdict::Fail);
    assert!(found.what.contains(&address.to_string()), "{found}");
    assert_eq!(machine::port("port", address, true).verdict, Verdict::Ok);
    drop(holder);
    assert_eq!(machine::port("port", address, false).verdict, Verdict::Ok);
}

#[test]
fn the_clock_is_compared_with_the_middle_of_those_connected() {
    let member = |key: &str, offset: i64, connected: bool| json!({"key": key, "clockOffsetMs": offset, "connected": connected});
    let me = json!("0x0");
    let others = [
        member("0x0", 0, true),
        member("0x1", 90_000, false),
        member("0x2", -1_500, true),
        member("0x3", -2_000, true),
        member("0x4", 10, true),
    ];
    let found = peers::clock("test", &others, &me);
    assert_eq!(found.verdict, Verdict::Warn);
    assert!(found.what.contains("-1500 ms"), "{found}");
    assert_eq!(peers::clock("test", &others[..2], &me).verdict, Verdict::Warn);
    let far = [member("0x1", 4_001, true)];
    assert_eq!(peers::clock("test", &far, &me).verdict, Verdict::Fail);
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The first finding that speaks of this.
fn of<'a>(findings: &'a [Finding], word: &str) -> &'a Finding {
    let found = findings.iter().find(|finding| finding.what.contains(word));
    found.unwrap_or_else(|| panic!("{word}: {findings:?}"))
}

#[test]
fn a_certificate_is_judged_by_what_is_left_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let now = OffsetDateTime::from_unix_timestamp(1_796_000_000).unwrap();
    let own: TlsSettings =
        serde_json::from_value(json!({"certificate": "a.pem", "key": "a.key"})).unwrap();
    let judge = |left: Duration| {
        let mut params = CertificateParams::new(vec!["ledger.lan".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (now - Duration::days(60), now + left);
        let key = KeyPair::generate().unwrap();
        fs::write(dir.path().join("a.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(dir.path().join("a.key"), key.serialize_pem()).unwrap();
        mode(&dir.path().join("a.key"), 0o600);
        tls::certificate(dir.path(), &own, now.unix_timestamp())
    };
    for (left, verdict) in [
        (Duration::days(14) + Duration::SECOND, Verdict::Ok),
        (Duration::days(14), Verdict::Warn),
        (Duration::SECOND, Verdict::Warn),
        (Duration::ZERO, Verdict::Fail),
        (-Duration::days(3), Verdict::Fail),
    ] {
        let found = judge(left);
        assert_eq!((found.len(), found[0].verdict), (1, verdict), "{left}: {found:?}");
    }
    judge(Duration::days(90));
    mode(&dir.path().join("a.key"), 0o640);
    let found = tls::certificate(dir.path(), &own, now.unix_timestamp());
    assert_eq!(of(&found, "others on this machine can read").verdict, Verdict::Fail);
    fs::remove_file(dir.path().join("a.key")).unwrap();
    let found = tls::certificate(dir.path(), &own, now.unix_timestamp());
    assert_eq!(of(&found, "a.key").verdict, Verdict::Fail);
    assert!(found[0].cure.contains("tulou tls renew"), "{found:?}");
}

#[test]
fn names_of_a_certificate_that_is_fetched_are_looked_up() {
    let dir = tempfile::tempdir().unwrap();
    let acme: AcmeSettings = serde_json::from_value(
        json!({"domains": ["localhost", "nowhere.invalid"], "accept_terms": true}),
    )
    .unwrap();
    let settings = TlsSettings { certificate: None, key: None, acme: Some(acme) };
    let found = tls::certificate(dir.path(), &settings, 0);
    assert_eq!(of(&found, "there is none yet").verdict, Verdict::Warn);
    assert_eq!(of(&found, "localhost leads to this machine").verdict, Verdict::Ok);
    assert_eq!(of(&found, "nowhere.invalid leads nowhere").verdict, Verdict::Fail);
    // An address of the documentation's, which is nobody's.
    let elsewhere = tls::leads_here("192.0.2.1");
    assert_eq!(elsewhere.verdict, Verdict::Warn, "{elsewhere}");
}

fn vault_settings(more: serde_json::Value) -> VaultSettings {
    let mut settings = json!({"at": {"url": "vault"}, "master_key": "vault.key"});
    let (to, from) = (settings.as_object_mut().unwrap(), more.as_object().unwrap());
    to.extend(from.clone());
    serde_json::from_value(settings).unwrap()
}

#[test]
fn a_vault_that_cannot_be_opened_or_is_open_to_others_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let settings = vault_settings(json!({}));
    let look = |settings| vault::findings(dir.path(), settings, None, false);
    let found = look(&settings);
    assert_eq!((found.len(), of(&found, "there is none").verdict), (1, Verdict::Warn));
    assert!(!at("vault").exists(), "nothing was made");

    LocalMaster::create_file(&at("vault.key")).unwrap();
    let unlock = Unlock::File(at("vault.key"));
    let kept = Vault::open_folder(&at("vault"), &unlock, Suite::default()).unwrap();
    mode(&at("vault"), 0o755);
    let id = random_id().unwrap();
    kept.write(id, 1, 0, b"a name").unwrap();
    let found = look(&settings);
    assert!(found.iter().all(|finding| finding.verdict == Verdict::Ok), "{found:?}");
    of(&found, "1 records in 1 versions, 0 erased");
    of(&found, "the master key opens a record");

    mode(&at("vault"), 0o775);
    assert_eq!(of(&look(&settings), "others on this machine can write").verdict, Verdict::Fail);
    mode(&at("vault"), 0o700);
    mode(&at("vault.key"), 0o644);
    assert_eq!(of(&look(&settings), "others may read it").verdict, Verdict::Fail);
    mode(&at("vault.key"), 0o600);
    LocalMaster::create_file(&at("other.key")).unwrap();
    let other = vault_settings(json!({"master_key": "other.key"}));
    assert_eq!(of(&look(&other), "not the master key").verdict, Verdict::Fail);
    let closed = vault::findings(dir.path(), &other, None, true);
    assert_eq!(of(&closed, "was not used").verdict, Verdict::Warn);
    of(&closed, "1 records in 1 versions");
    let record = at(&format!("vault/records/{id:x}/1"));
    let mut bytes = fs::read(&record).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&record, bytes).unwrap();
    assert_eq!(of(&look(&settings), "it was changed").verdict, Verdict::Fail);
}

#[test]
fn a_vault_behind_another_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    LocalMaster::create_file(&at("theirs.key")).unwrap();
    let unlock = Unlock::File(at("theirs.key"));
    let theirs = Vault::open_folder(&at("theirs"), &unlock, Suite::default()).unwrap();
    let copy = Vault::open_folder(&at("vault"), &Unlock::Blind, Suite::default()).unwrap();
    let from = json!({"master_key": null, "from": [{"url": "theirs"}, {"url": "nobody"}]});
    let settings = vault_settings(from);
    let look = || vault::findings(dir.path(), &settings, None, false);
    let id = random_id().unwrap();
    theirs.write(id, 1, 0, b"a name").unwrap();
    assert_eq!(of(&look(), "are not here yet").verdict, Verdict::Warn);
    assert_eq!(of(&look(), "nobody cannot be looked at").verdict, Verdict::Warn);
    assert!(!at("nobody").exists(), "nothing was made");
    theirs.sync_to(&copy, |_| Ok(true)).unwrap();
    assert_eq!(of(&look(), "in step with").verdict, Verdict::Ok);
    theirs.erase(id).unwrap();
    assert_eq!(of(&look(), "are still here").verdict, Verdict::Warn);
}
