//! A member's node keeps a copy of the registrar's vault that it does not read, and erases what the ledger
//! says was erased.

use std::{fs, process::Command, time::Duration};

use alloy_primitives::B256;
use tulou_testing::{Cluster, ClusterPlan, program, wait_until};
use tulou_vault::{LocalMaster, Place, Suite, Unlock, Vault};

use crate::leak::ACCOUNT_1;

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_node_keeps_a_copy_and_erases_what_the_ledger_says_was_erased() {
    let mut cluster = Cluster::found(ClusterPlan::new(&program(), 3)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (ours, key) = (dir.path().join("vault"), dir.path().join("master.key"));
    LocalMaster::create_file(&key).unwrap();
    let vault = Vault::open_folder(&ours, &Unlock::File(key), Suite::Sm4Gcm).unwrap();
    let ids = [1, 2, 3].map(B256::repeat_byte);
    for id in ids {
        vault.write(id, 1, 1, "张三".as_bytes()).unwrap();
    }
    let settings = cluster.folder(0).join("node.toml");
    let mut text = fs::read_to_string(&settings).unwrap();
    let from = ours.display();
    text.push_str(&format!(
        "\n[node.vault]\nat = {{ url = \"copy\" }}\nfrom = [{{ url = \"{from}\" }}]\nevery_s = 1\n"
    ));
    fs::write(&settings, text).unwrap();
    cluster.start_all().unwrap();
    let place = Place::folder(&cluster.folder(0).join("copy"));
    let held = || Vault::look_at(&place).and_then(|copy| copy.records()).unwrap_or_default();
    let all = ids.map(|id| (id, 1));
    assert!(wait_until(PATIENCE, || held() == all).is_some(), "{}", cluster.log_end(0));
    assert!(!cluster.folder(0).join("copy/keys").exists(), "a copy without keys");

    // Erased, and no entry says so: the copy stays as it is and the node names the record.
    let office = dir.path().join("office.key");
    fs::write(&office, ACCOUNT_1).unwrap();
    let erase = |more: &[&str]| {
        let output = Command::new(program())
            .args(["vault", "erase", "--vault", ours.to_str().unwrap(), &ids[1].to_string()])
            .args(["--rpc", cluster.rpc(0).url()])
            .args(more)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    erase(&["--without-entry"]);
    let named = || cluster.log(0).contains("another member erased it and no entry says so");
    assert!(wait_until(PATIENCE, named).is_some(), "{}", cluster.log_end(0));
    assert_eq!(held(), all);
    // With its entry it is erased here, too.
    erase(&["--key", office.to_str().unwrap()]);
    let copy = Vault::look_at(&place).unwrap();
    let done = || copy.erasures().is_ok_and(|erasures| erasures == vault.erasures().unwrap());
    assert!(wait_until(PATIENCE, done).is_some(), "{}", cluster.log_end(0));
    assert_eq!(held(), [all[0], all[2]]);
    // Nor does a copy of before bring it back.
    let again = copy.sync_to(&Vault::look_at(&place).unwrap(), |_| Ok(true)).unwrap();
    assert_eq!((again.copied, again.same), (0, 2));
}
