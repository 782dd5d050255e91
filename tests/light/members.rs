//! A node whose readers are members: what a program with a key reads there, and what an auditor without one
//! still checks.

use std::process::Command;

use alloy_primitives::Bytes;
use serde_json::json;
use tulou_client::{ClientError, Key, LocalNode, Rpc};
use tulou_modules::{address, registry};
use tulou_testing::program;

use crate::{send, sheet};

const UNITS: &str = "/api/v1/registry/units?of_building=0";

fn refused(rpc: &Rpc, path: &str) -> i64 {
    match rpc.get(path) {
        Err(ClientError::Refused { code, .. }) => code,
        other => panic!("{path} should be refused: {other:?}"),
    }
}

fn class(rpc: &Rpc) -> String {
    rpc.get("/api/v1/session").unwrap()["class"].as_str().unwrap().to_owned()
}

/// `registry.ownerOf(0)`.
fn owner_of() -> Bytes {
    let abi = registry::abi();
    let selector = abi.functions().find(|f| f.name == "ownerOf").unwrap().selector();
    [selector.as_slice(), &[0; 32]].concat().into()
}

#[test]
fn members_read_with_their_key_and_auditors_without() {
    let arguments = ["--empty", "--readers", "members"];
    let mut node = LocalNode::start(&program(), &arguments).unwrap();
    let rpc = node.rpc().clone();
    // Account 0 holds every office of an empty dev chain, the others none.
    let (office, nobody) = (Key::test(0).unwrap(), Key::test(1).unwrap());
    assert_eq!(refused(&rpc, UNITS), 401);
    assert_eq!(refused(&rpc.sign_in(&nobody).unwrap(), UNITS), 403);
    let member = rpc.for_account(&office);
    assert_eq!(class(&member), "public", "signs in only when it is asked");
    assert_eq!(member.get(UNITS).unwrap()["items"], json!([]));
    assert_eq!(class(&member), "scope");
    let view = member.view(office.address(), address::registry, &owner_of()).unwrap();
    assert_eq!(view, vec![0; 32]);
    let hidden = rpc.view(office.address(), address::registry, &owner_of());
    assert!(matches!(hidden, Err(ClientError::Refused { code: -32001, .. })), "{hidden:?}");
    member.sign_out().unwrap();
    assert_eq!(class(&member), "public");

    let member = rpc.sign_in(&office).unwrap();
    assert_eq!(class(&member), "scope");
    send(&rpc);
    let sheet = sheet(&rpc);
    let audit = |more: &[&str]| {
        let mut command = Command::new(program());
        command.args(["audit", "--sheet", &sheet, "--rpc", rpc.url()]).args(more);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}");
        said
    };
    assert!(audit(&[]).contains("0 of 0 hold"));
    let file = node.dir().join("office.key");
    std::fs::write(&file, alloy_primitives::hex::encode(office_secret())).unwrap();
    let said = audit(&["--receipts", "1", "--key", file.to_str().unwrap()]);
    assert!(said.contains("1 of 1 hold"), "{said}");
    let called = Command::new(program())
        .args(["call", "--rpc", rpc.url(), "registry.ownerOf", &nobody.address().to_string()])
        .output()
        .unwrap();
    assert!(called.status.success(), "{}", String::from_utf8_lossy(&called.stderr));

    node.kill();
    node.restart().unwrap();
    assert_eq!(class(&member), "public", "a restart signs everybody out");
    assert_eq!(member.get(UNITS).unwrap()["items"], json!([]), "who has the key is in again");
}

/// The private key of account 0 of the test mnemonic, as every tool prints it.
fn office_secret() -> [u8; 32] {
    alloy_primitives::hex!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
}
