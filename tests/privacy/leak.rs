//! `docs/guides/leak.md`: its commands, in its order, as a person would type them.

use std::{fs, path::Path, process::Command};

use alloy_primitives::{Address, keccak256};
use alloy_sol_types::SolCall;
use tulou_client::{Key, LocalNode};
use tulou_modules::{
    address::roles as ROLES,
    roles::IRoles::{self, Office},
};
use tulou_testing::{empty_node, program};

const GUIDE: &str = include_str!("../../docs/guides/leak.md");
/// The keys of accounts 0 and 1 of the test mnemonic, which every development tool knows.
const ACCOUNT_0: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
pub(crate) const ACCOUNT_1: &str =
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
/// The section whose commands want the node stopped.
const STOPPED: &str = "## 5.";

/// A block of commands and the heading above it.
fn blocks() -> Vec<(String, String)> {
    let (mut heading, mut inside, mut blocks) = (String::new(), None::<String>, Vec::new());
    for line in GUIDE.lines() {
        match (&mut inside, line) {
            (None, "```sh") => inside = Some(String::new()),
            (None, line) if line.starts_with("## ") => heading = line.to_owned(),
            (Some(_), "```") => blocks.push((heading.clone(), inside.take().unwrap_or_default())),
            (Some(block), line) => {
                block.push_str(line);
                block.push('\n');
            }
            _ => {}
        }
    }
    blocks
}

fn typed(dir: &Path, node: &LocalNode, commands: &str) {
    let program = program();
    let path = std::env::var("PATH").unwrap_or_default();
    let folder = program.parent().expect("a folder").display();
    let output = Command::new("sh")
        .args(["-eu", "-c", commands])
        .current_dir(dir)
        .env("PATH", format!("{folder}:{path}"))
        .env("RPC", node.rpc().url())
        .env("NODE", node.dir())
        .env("REGISTRAR", registrar().to_string())
        .output()
        .expect("sh starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{commands}\n{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

#[test]
fn every_command_of_the_guide_does_what_it_says() {
    let mut node = empty_node();
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/guihua");
    fs::create_dir(at("estate")).unwrap();
    for file in ["units.csv", "owners.csv", "holdings.csv"] {
        fs::copy(demo.join(file), at("estate").join(file)).unwrap();
    }
    fs::write(at("words.txt"), people().join("\n")).unwrap();
    // On an empty dev chain account 0 holds every office, and nobody takes one from oneself.
    fs::write(at("street.key"), ACCOUNT_0).unwrap();
    fs::write(at("registrar.key"), ACCOUNT_1).unwrap();
    let appoint = IRoles::grantCall {
        office: Office::Registrar,
        holder: registrar(),
        fromAt: 0,
        untilAt: 1 << 40,
        basis: keccak256("the minutes"),
    };
    let appointed = node.rpc().transact(&Key::test(0).unwrap(), ROLES, appoint.abi_encode().into());
    appointed.unwrap();
    let blocks = blocks();
    assert!(blocks.len() >= 8, "the guide has its commands");
    let mut sections: Vec<_> = blocks.iter().map(|(heading, _)| heading.clone()).collect();
    sections.dedup();
    assert_eq!(sections.len(), 6, "{sections:?}");
    for (heading, commands) in &blocks {
        if heading.starts_with(STOPPED) {
            node.kill();
        }
        typed(dir.path(), &node, commands);
    }
    // What the guide destroys is gone, what it keeps is there.
    for (name, there) in [
        ("estate/owners.csv", false),
        ("master.key", false),
        ("words.txt", false),
        ("to-be-told.jsonl", false),
        ("master-2.key", true),
        ("copy/vault.json", true),
    ] {
        assert_eq!(at(name).exists(), there, "{name}");
    }
    let erased = |vault: &str| fs::read_dir(at(vault).join("erased")).unwrap().count();
    assert_eq!((erased("vault"), erased("copy")), (1, 1));
}

fn registrar() -> Address {
    Key::test(1).unwrap().address()
}

/// Names and phones of the demo estate.
pub(crate) fn people() -> Vec<String> {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/guihua/owners.csv");
    let mut reader = csv::Reader::from_path(demo).unwrap();
    let mut words = Vec::new();
    for row in reader.records() {
        let row = row.unwrap();
        // Companies stand on the ledger by their names.
        if &row[1] == "person" {
            words.push(row[2].to_owned());
        }
        words.push(row[3].to_owned());
    }
    words.retain(|word| !word.is_empty());
    assert!(words.len() > 250);
    words
}
