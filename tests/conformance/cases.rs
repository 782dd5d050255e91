//! The request and response files of ethereum/execution-apis.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tulou_replay::Replay;

use crate::suites::Suite;

/// Cases that are not asked of this server, with the reason.
const SKIPPED: &[(&str, &str)] = &[
    ("testing_buildBlockV1/", "builds blocks on command for testers, through no public interface"),
    (
        "eth_sendRawTransaction/send-blob-tx",
        "blobs live in the beacon layer, which this ledger has not",
    ),
];

/// What came of one case.
enum Outcome {
    Passed,
    Failed(String),
    Skipped(&'static str),
}

#[tokio::test]
async fn the_rpc_cases_pass() {
    let Some(suite) = Suite::unpack("execution-apis-tests") else { return };
    let dir = suite.path().join("tests");
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let replay = Replay::run(scratch.path(), &dir.join("genesis.json"), &dir.join("chain.rlp"));
    let replay = replay.expect("the chain of the suite");
    println!(
        "conformance: replayed {} blocks with {} transactions, every root as in its header",
        replay.height(),
        replay.transactions()
    );
    let server = tulou_replay::serve(([127, 0, 0, 1], 0).into(), &replay).await.expect("a port");
    let url = format!("http://{}/", server.addr);
    let files = files(&dir);
    assert!(files.len() > 200, "only {} cases were found", files.len());
    let score = tokio::task::spawn_blocking(move || run_all(&dir, &files, &url)).await;
    let failed = score.expect("the runner");
    server.stop();
    assert!(failed.is_empty(), "{} cases failed: {failed:?}", failed.len());
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let methods = fs::read_dir(dir).expect("the suite").filter_map(Result::ok);
    let mut files: Vec<_> = methods
        .filter(|entry| entry.path().is_dir())
        .flat_map(|entry| fs::read_dir(entry.path()).expect("a method").filter_map(Result::ok))
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "io"))
        .collect();
    files.sort_unstable();
    files
}

/// Runs all cases, prints the score and gives the names of those that failed.
fn run_all(dir: &Path, files: &[PathBuf], url: &str) -> Vec<String> {
    let mut score: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let (mut failed, mut skipped) = (Vec::new(), Vec::new());
    for path in files {
        let name = path.strip_prefix(dir).expect("below").display().to_string();
        let method = name.split('/').next().unwrap_or_default().to_owned();
        let row = score.entry(method).or_default();
        match run(&name, path, url) {
            Outcome::Passed => row[0] += 1,
            Outcome::Failed(why) => {
                row[1] += 1;
                println!("  failed {name}: {why}");
                failed.push(name);
            }
            Outcome::Skipped(why) => {
                row[2] += 1;
                skipped.push((name, why));
            }
        }
    }
    for (method, [passed, failed, skipped]) in &score {
        println!("  {method:42} {passed:3} passed {failed:3} failed {skipped:3} skipped");
    }
    for (name, why) in &skipped {
        println!("  skipped {name}: {why}");
    }
    let sum = |n: usize| score.values().map(|row| row[n]).sum::<usize>();
    println!(
        "conformance: execution-apis: {} passed, {} failed, {} skipped",
        sum(0),
        sum(1),
        sum(2)
    );
    failed
}

fn run(name: &str, path: &Path, url: &str) -> Outcome {
    if let Some((_, why)) = SKIPPED.iter().find(|(part, _)| name.starts_with(part)) {
        return Outcome::Skipped(why);
    }
    let text = fs::read_to_string(path).expect("a case");
    let shape_only = text.lines().any(|line| line.starts_with("// speconly"));
    let mut answer = Value::Null;
    for line in text.lines() {
        if let Some(request) = line.strip_prefix(">> ") {
            answer = match post(url, request) {
                Ok(answer) => answer,
                Err(error) => return Outcome::Failed(error),
            };
        } else if let Some(expected) = line.strip_prefix("<< ") {
            let expected: Value = serde_json::from_str(expected).expect("JSON");
            if let Err(why) = compare(&expected, &answer, shape_only) {
                return Outcome::Failed(why);
            }
        }
    }
    Outcome::Passed
}

fn post(url: &str, body: &str) -> Result<Value, String> {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let sent = agent.post(url).content_type("application/json").send(body);
    let mut response = sent.map_err(|error| error.to_string())?;
    let text = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))
}

/// Equal, but for the words of an error: clients choose those themselves. A case that is about the
/// shape only must have the same members, of the same types.
fn compare(expected: &Value, found: &Value, shape_only: bool) -> Result<(), String> {
    if let (Some(wanted), Some(got)) = (expected.get("error"), found.get("error")) {
        return same("error.code", &wanted["code"], &got["code"], shape_only)
            .and_then(|()| same("error.data", &wanted["data"], &got["data"], shape_only));
    }
    if expected.get("error").is_some() || found.get("error").is_some() {
        return Err(format!("expected {}, found {}", short(expected), short(found)));
    }
    same("result", &expected["result"], &found["result"], shape_only)
}

fn same(at: &str, expected: &Value, found: &Value, shape_only: bool) -> Result<(), String> {
    let differs = || Err(format!("{at}: expected {}, found {}", short(expected), short(found)));
    match (expected, found) {
        (Value::Object(wanted), Value::Object(got)) => {
            for (key, value) in wanted {
                // Accounts are content, not shape.
                if shape_only && key.starts_with("0x") {
                    continue;
                }
                let Some(found) = got.get(key) else { return Err(format!("{at}.{key}: missing")) };
                same(&format!("{at}.{key}"), value, found, shape_only)?;
            }
            match got.keys().find(|key| !wanted.contains_key(*key)) {
                Some(key) if !shape_only => Err(format!("{at}.{key}: not expected: {}", got[key])),
                _ => Ok(()),
            }
        }
        (Value::Array(wanted), Value::Array(got)) => {
            if !shape_only && wanted.len() != got.len() {
                return Err(format!("{at}: {} items, expected {}", got.len(), wanted.len()));
            }
            let pairs = wanted.iter().zip(got).enumerate();
            pairs.into_iter().try_for_each(|(n, (wanted, got))| {
                same(&format!("{at}[{n}]"), wanted, got, shape_only)
            })
        }
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_))
            if shape_only =>
        {
            Ok(())
        }
        _ if expected == found => Ok(()),
        _ => differs(),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(400) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
