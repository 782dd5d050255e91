//! The demo estate after its year, with a vault of its people beside it: every byte that it keeps and all
//! that it answers, looked through for every name, phone and plate.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use alloy_primitives::{B256, keccak256};
use alloy_sol_types::SolCall;
use serde_json::Value;
use tulou_client::{LocalNode, Rpc, demo_key};
use tulou_modules::{
    address::{decisions as DECISIONS, documents as DOCUMENTS},
    decisions::IDecisions,
    documents::IDocuments::{Kind, registerCall},
};
use tulou_testing::program;
use tulou_vault::{LocalMaster, Suite, Unlock, Vault};

use crate::{answers, leak::people};

/// Cars of the residents, which the gate of the estate knows.
const PLATES: [&str; 6] =
    ["浙A7K21M", "浙A88Q6P", "浙AD12345", "沪B5R90T", "皖C3N417", "浙AF06688"];
/// Owners whose ballots the story leaves to whoever tries it.
const VOTERS: [&str; 4] = ["O0080", "O0054", "O0061", "O0076"];

fn tulou(arguments: &[&str]) -> Output {
    Command::new(program()).args(arguments).output().expect("the program starts")
}

/// What `tulou scan` found, and its last line.
fn scan(words: &Path, dir: &Path, also: &[&Path]) -> (bool, Vec<Value>, Value) {
    let mut arguments = vec!["scan", "--words", text(words), "--dir", text(dir), "--also"];
    arguments.extend(also.iter().map(|path| text(path)));
    let output = tulou(&arguments);
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let summary = lines
        .pop()
        .unwrap_or_else(|| panic!("it says nothing: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.success(), lines, summary)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// The vault of the estate's people, as the registrar keeps it: one record each, in both suites.
fn fill_vault(dir: &Path, key: &Path, words: &[String]) -> Vec<B256> {
    LocalMaster::create_file(key).unwrap();
    let unlock = Unlock::File(key.to_owned());
    let mut ids = Vec::new();
    for (number, word) in words.iter().enumerate() {
        let suite = if number % 2 == 0 { Suite::Aes256Gcm } else { Suite::Sm4Gcm };
        // Opened once for each suite: a scrypt or a key file costs nothing here.
        let vault = Vault::open_folder(dir, &unlock, suite).unwrap();
        let id = keccak256(format!("record {number}"));
        vault.write(id, 1, 1, format!("{{\"word\":\"{word}\"}}").as_bytes()).unwrap();
        ids.push(id);
    }
    ids
}

/// Residents vote on what is open, and the registrar erases some records.
fn use_it(rpc: &Rpc, vault: &Path, ids: &[B256]) {
    let mut cast = 0;
    for motion in 1..=12 {
        for voter in VOTERS {
            let call = IDecisions::castCall { motion, choice: 1 };
            if rpc.transact(&demo_key(voter), DECISIONS, call.abi_encode().into()).is_ok() {
                cast += 1;
            }
        }
    }
    assert!(cast >= 2, "a motion is open in the demo");
    let key = vault.with_extension("registrar");
    fs::write(&key, demo_key_text("registrar")).unwrap();
    let erased: Vec<String> = ids.iter().take(3).map(B256::to_string).collect();
    let mut arguments =
        vec!["vault", "erase", "--vault", text(vault), "--rpc", rpc.url(), "--key", text(&key)];
    arguments.extend(erased.iter().map(String::as_str));
    let output = tulou(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let check = tulou(&["vault", "check", "--vault", text(vault), "--rpc", rpc.url()]);
    let said: Value = serde_json::from_slice(&check.stdout).unwrap();
    assert_eq!((check.status.success(), said["entered"].as_u64()), (true, Some(3)), "{said}");
    fs::remove_file(key).unwrap();
}

/// The secret of a demo person: anyone can compute it.
fn demo_key_text(name: &str) -> String {
    format!("{:x}", keccak256(format!("tulou-demo:{name}")))
}

#[test]
fn nothing_personal_is_in_what_a_busy_estate_keeps_or_answers() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let logs = at("logs");
    // To anyone, so that the answers are all that a member could be told, too.
    let arguments =
        ["--readers", "anyone", "--log", "debug", "--log-quiet", "--log-dir", text(&logs)];
    let mut node = LocalNode::start(&program(), &arguments).unwrap();
    let mut words = people();
    words.extend(PLATES.map(str::to_owned));
    fs::write(at("words"), words.join("\n")).unwrap();
    let vault = node.dir().join("vault");
    let ids = fill_vault(&vault, &at("master.key"), &words);
    use_it(node.rpc(), &vault, &ids);
    fs::write(at("answers"), answers::all(node.rpc())).unwrap();
    node.kill();
    let snapshot = at("snapshot");
    let made = tulou(&["snapshot", "--dir", text(node.dir()), "--out", text(&snapshot)]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // The engine's own archive of blocks, which is compressed, holds the same blocks as the ledger.
    let verified = tulou(&["verify", "--dir", text(node.dir())]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let beside = [&*snapshot, &at("answers"), &logs];
    let (clean, found, summary) = scan(&at("words"), node.dir(), &beside);
    assert!(clean && found.is_empty(), "{found:#?} {summary}");
    assert!(summary["ledger_entries"].as_u64() > Some(10_000), "{summary}");
    assert!(summary["files"].as_u64() > Some(600), "{summary}");
    a_planted_name_is_found(&mut node, &at("words"), &at("answers"));
}

/// The same look finds a name that somebody wrote into a title.
fn a_planted_name_is_found(node: &mut LocalNode, words: &Path, answers: &Path) {
    let name = people().into_iter().find(|word| !word.is_ascii()).unwrap();
    node.restart().unwrap();
    let call = registerCall {
        hash: keccak256("a letter"),
        kind: Kind::Other,
        custodian: demo_key("registrar").address(),
        retainUntil: u64::MAX,
        title: format!("{name}的来信"),
    };
    let registrar = demo_key("registrar");
    node.rpc().transact(&registrar, DOCUMENTS, call.abi_encode().into()).unwrap();
    fs::write(answers, answers::all(node.rpc())).unwrap();
    node.kill();
    let (clean, found, _) = scan(words, node.dir(), &[answers]);
    assert!(!clean);
    let in_place = |part: &str| {
        found.iter().any(|hit| hit["place"].as_str().is_some_and(|place| place.contains(part)))
    };
    assert!(in_place("value of entry"), "the ledger: {found:#?}");
    assert!(in_place("answers"), "what the node answers: {found:#?}");
    let number = fs::read_to_string(words).unwrap().lines().position(|word| *word == name);
    let number = number.unwrap() as u64 + 1;
    assert!(found.iter().all(|hit| hit["word"].as_u64() == Some(number)), "{found:#?}");
}
