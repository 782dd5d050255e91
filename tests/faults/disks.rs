//! Disks that are lost, altered or full.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use alloy_primitives::{B256, hex, keccak256};
use alloy_sol_types::SolCall;
use serde_json::{Value, json};
use tulou_client::{ClientError, Key};
use tulou_modules::address::documents as DOCUMENTS;
use tulou_testing::{Cluster, ClusterPlan, Drill, document, wait_until};

use super::{PATIENCE, launch, load, plan, signs, start};

/// Short enough that several pass in the minute that a member without its journal stays silent.
const EPOCH: u64 = 50;
/// Where the engine keeps its blocks, below the folder of a ledger.
const ENGINE: &str = "engine/chain-blocks-values";
/// Room for a node that has just begun, and little more.
const DISK: &str = "size=400m";

#[test]
fn a_lost_disk_is_filled_again_and_never_signs_twice() {
    let mut drill = Drill::begin(
        "the disk of f (1 of 4) is wiped",
        "fetches everything; observes until the next epoch but one at most; never signs twice",
    );
    let mut cluster = start(ClusterPlan { epoch_length: EPOCH, ..plan(4) });
    let load = load(&cluster);
    let key = cluster.key(3);
    cluster.wipe(3).unwrap_or_else(|e| panic!("{e}"));
    let lost = cluster.highest();
    launch(&mut cluster, 3, &[]);
    drill.caught_up(cluster.wait_until_level(3, PATIENCE));
    // Blocks that it signed before its end may still have been on their way.
    let silent_from = lost + 3;
    let mut next = silent_from;
    let signed = wait_until(PATIENCE * 2, || {
        let highest = cluster.highest();
        while next <= highest && !signs(&cluster, key, next) {
            next += 1;
        }
        next <= highest
    });
    let signed = signed.expect("it signs again in a later epoch");
    drill.note(format!("signs again after {:.0} s", signed.as_secs_f64()));
    drill.note(format!("lost at {lost}, signs from {next}, epochs of {EPOCH}"));
    assert!(next / EPOCH > lost / EPOCH, "it signs in the epoch in which its votes were lost");
    cluster.expect_whole(&load.stop());
    drill.holds();
}

#[test]
fn an_altered_byte_is_found_and_not_served() {
    let mut cluster = start(plan(4));
    let load = load(&cluster);
    let mark = format!("mark {}", hex::encode(&keccak256("altered")[..12]));
    let hash = put_on_file(&cluster, 0, &mark);
    let receipt = wait_for_receipt(&cluster, 3, hash);
    for (fault, below, part) in [
        (
            "one byte altered in a member's blocks and state (the first)",
            "ledger",
            Occurrence::First,
        ),
        ("one byte altered in a member's blocks and state (the last)", "ledger", Occurrence::Last),
        ("one byte altered in the blocks of a member's engine", ENGINE, Occurrence::First),
    ] {
        let mut drill =
            Drill::begin(fault, "the member finds it and refuses to serve; the others go on");
        cluster.stop(3);
        let folder = cluster.ledger_folder(3).join(below);
        let altered = Altered::make(&folder, mark.as_bytes(), part);
        let height = cluster.highest();
        launch(&mut cluster, 3, &[]);
        let found = wait_until(PATIENCE, || {
            let answer = cluster.rpc(3).call("eth_getTransactionReceipt", json!([hash]));
            if let Ok(answer) = &answer {
                assert_eq!(answer, &receipt, "it serves something else");
            }
            let whole = cluster.rpc(3).call("eth_getTransactionByHash", json!([hash]));
            refuses(&answer) || refuses(&whole) || cluster.ended(3).is_some()
        });
        let said = words(&mut cluster);
        // What nobody asked for may be read much later: the check reads all.
        cluster.stop(3);
        let checked = verify(cluster.folder(3));
        assert!(found.is_some() || !checked.0, "nobody notices: {}", checked.1);
        if below == ENGINE {
            // Nobody need ask for these blocks: the engine reads all of them by itself.
            assert!(found.is_some() && !checked.0, "said: {said}; verify: {}", checked.1);
            assert!(checked.1.contains("of the engine"), "{}", checked.1);
        }
        drill.note(match found {
            Some(_) => format!("found while running: {said}"),
            None => format!("found by `tulou verify`: {}", checked.1),
        });
        drill.first_block(cluster.wait_for_progress(&[0, 1, 2], height, PATIENCE));
        altered.mend();
        launch(&mut cluster, 3, &[]);
        drill.caught_up(cluster.wait_until_level(3, PATIENCE));
        cluster.expect_whole(&load.receipts());
        drill.holds();
    }
    cluster.expect_whole(&load.stop());
}

#[test]
fn a_full_disk_ends_in_a_clean_stop_and_a_clean_start() {
    let mut drill = Drill::begin(
        "the disk of one member is full",
        "it steps down and says so; the others go on; with room again it catches up",
    );
    let mut cluster = Cluster::found(plan(4)).unwrap_or_else(|e| panic!("{e}"));
    let disk = match Disk::under(&cluster.folder(3).join("ledgers")) {
        Ok(disk) => disk,
        Err(reason) => {
            println!("NOTICE: no small disk can be made here, nothing was tested: {reason}");
            return drill.cannot(&reason);
        }
    };
    cluster.start_all().unwrap_or_else(|e| panic!("{e}"));
    let load = load(&cluster);
    let filler = disk.fill();
    let height = cluster.highest();
    let down = wait_until(PATIENCE, || {
        cluster.ended(3).is_some() || refuses(&cluster.rpc(3).call("eth_blockNumber", json!([])))
    });
    assert!(down.is_some(), "it goes on with a full disk: {}", cluster.log_end(3));
    // The engine's library ends its own tasks roughly; the node must have understood why.
    assert!(cluster.log(3).contains("this node steps down"), "{}", cluster.log_end(3));
    drill.note(words(&mut cluster));
    drill.first_block(cluster.wait_for_progress(&[0, 1, 2], height, PATIENCE));
    fs::remove_file(filler).expect("the filler");
    cluster.stop(3);
    launch(&mut cluster, 3, &[]);
    drill.caught_up(cluster.wait_until_level(3, PATIENCE));
    cluster.expect_whole(&load.stop());
    drill.holds();
    drop(cluster);
    drop(disk);
}

/// Puts a document on file at a member, from an account that nobody else uses.
pub(crate) fn put_on_file(cluster: &Cluster, member: usize, title: &str) -> B256 {
    let key = Key::test(9).expect("the test mnemonic has twenty accounts");
    let rpc = cluster.rpc(member);
    let nonce = rpc.next_nonce(key.address()).expect("it answers");
    let call = document(key.address(), nonce, title).abi_encode();
    let raw = key.sign_call(cluster.chain_id(), nonce, 2_000_000, DOCUMENTS, call.into());
    let receipt = rpc.send_raw(&raw).expect("it becomes final");
    assert_eq!(receipt["status"], "0x1", "{receipt}");
    receipt["transactionHash"].as_str().and_then(|hash| hash.parse().ok()).expect("a hash")
}

fn wait_for_receipt(cluster: &Cluster, member: usize, hash: B256) -> Value {
    let mut found = Value::Null;
    wait_until(PATIENCE, || {
        let answer = cluster.rpc(member).call("eth_getTransactionReceipt", json!([hash]));
        found = answer.unwrap_or_default();
        !found.is_null()
    });
    assert!(!found.is_null(), "member {member} does not have it");
    found
}

/// Whether the node answered that it does not answer.
fn refuses(answer: &Result<Value, ClientError>) -> bool {
    matches!(answer, Err(ClientError::Refused { .. }))
}

/// What member 3 says of itself now that something is wrong.
fn words(cluster: &mut Cluster) -> String {
    let answer = cluster.rpc(3).call("eth_blockNumber", json!([]));
    match (answer, cluster.ended(3)) {
        (Err(ClientError::Refused { message, .. }), _) => message,
        (_, Some(status)) => {
            let log = cluster.log(3);
            let last = log.lines().rev().find(|line| !line.trim().is_empty());
            format!("ended ({status}): {}", last.unwrap_or_default())
        }
        (Err(e), None) => e.to_string(),
        (Ok(_), None) => "serves what is whole".into(),
    }
}

/// Runs `tulou verify` on a folder. Returns whether all is well, and what it says.
fn verify(folder: &Path) -> (bool, String) {
    let output = Command::new(tulou_testing::program())
        .args(["verify", "--dir"])
        .arg(folder)
        .output()
        .expect("the program runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).trim().to_owned())
}

/// Which of several places that hold the same text.
#[derive(Clone, Copy)]
enum Occurrence {
    First,
    Last,
}

/// A byte on disk that is not as the node wrote it.
struct Altered {
    path: PathBuf,
    at: usize,
}

impl Altered {
    /// Changes one byte in the middle of a text somewhere below a folder.
    fn make(folder: &Path, text: &[u8], which: Occurrence) -> Self {
        let mut places = Vec::new();
        for path in files(folder) {
            let bytes = fs::read(&path).expect("a file of the stopped member");
            let found = bytes.windows(text.len()).enumerate().filter(|(_, part)| *part == text);
            places.extend(found.map(|(at, _)| (path.clone(), at + text.len() / 2)));
        }
        println!("{} places hold the text below {}", places.len(), folder.display());
        let place = match which {
            Occurrence::First => places.into_iter().next(),
            Occurrence::Last => places.pop(),
        };
        let (path, at) = place.expect("the text is stored uncompressed somewhere");
        let altered = Self { path, at };
        altered.turn();
        altered
    }

    fn turn(&self) {
        let mut bytes = fs::read(&self.path).expect("the altered file");
        bytes[self.at] ^= 0x01;
        fs::write(&self.path, bytes).expect("the altered file");
    }

    /// Puts the byte back, as a copy of the disk would.
    fn mend(self) {
        if self.path.exists() {
            self.turn();
        }
    }
}

/// All files below a folder, in the order of their paths.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A small disk, mounted where a member keeps its ledgers. Unmounted with the value.
struct Disk(PathBuf);

impl Disk {
    fn under(folder: &Path) -> Result<Self, String> {
        let aside = folder.with_extension("aside");
        fs::rename(folder, &aside).map_err(|e| e.to_string())?;
        fs::create_dir(folder).map_err(|e| e.to_string())?;
        run("mount", &["-t", "tmpfs", "-o", DISK, "tmpfs"], folder)?;
        let disk = Self(folder.to_owned());
        let content = format!("{}/.", aside.display());
        run("cp", &["-a", &content], folder)?;
        Ok(disk)
    }

    /// Writes until nothing more fits.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = fs::File::create(&path).expect("a file");
        let mut size = 1 << 20;
        while size > 0 {
            // The last piece that fits has one byte.
            while file.write_all(&vec![0x55; size]).is_ok() {}
            size /= 4;
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A lazy unmount: the member may only just have ended.
        let _ = run("umount", &["-l"], &self.0);
    }
}

fn run(program: &str, words: &[&str], folder: &Path) -> Result<(), String> {
    let output =
        Command::new(program).args(words).arg(folder).output().map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
