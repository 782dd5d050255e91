//! Four organisations found a ledger, run it as four processes, lose one and get it back.

mod governance;
mod world;

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use alloy_primitives::{Address, U256};
use serde_json::{Value, json};
use tulou_client::{Key, Rpc};
use world::{CHAIN_ID, NAMES, World, eventually, founding_file, shown, text, tulou, tulou_says};

/// Sends a transaction that needs no money and waits until it is final there.
fn send(rpc: &Rpc, nonce: u64) -> Value {
    let key = Key::test(0).expect("the test key");
    let raw = key.sign_transfer(CHAIN_ID, nonce, Address::repeat_byte(7), U256::ZERO);
    rpc.send_raw(&raw).expect("a receipt")
}

fn receipt_at(world: &World, i: usize, hash: &Value) -> Value {
    eventually(&format!("the receipt at {}", NAMES[i]), || {
        let found = world.rpc(i).call("eth_getTransactionReceipt", json!([hash])).ok()?;
        (!found.is_null()).then_some(found)
    })
}

fn height_of(receipt: &Value) -> u64 {
    let digits = receipt["blockNumber"].as_str().expect("a number").trim_start_matches("0x");
    u64::from_str_radix(digits, 16).expect("hexadecimal")
}

#[test]
fn four_processes_keep_one_book_and_lose_one_of_them() {
    let mut world = World::founded("four");
    world.start_all();
    let first = send(&world.rpc(0), 0);
    for (i, name) in NAMES.iter().enumerate().skip(1) {
        assert_eq!(receipt_at(&world, i, &first["transactionHash"]), first, "{name}");
    }
    world.agree(&[0, 1, 2, 3], height_of(&first));
    eventually("everybody sees everybody agree", || {
        (0..4).all(|i| world.states(i).iter().all(|state| state == "agrees")).then_some(())
    });

    world.kill(3);
    let second = send(&world.rpc(1), 1);
    receipt_at(&world, 0, &second["transactionHash"]);
    world.agree(&[0, 1, 2], height_of(&second));
    eventually("the others see that it has stopped", || {
        (world.states(0)[3] == "stopped").then_some(())
    });

    world.spawn(3);
    world.wait_until_it_answers(3);
    assert_eq!(receipt_at(&world, 3, &second["transactionHash"]), second);
    // What is sent to the one that was away reaches the others.
    let third = send(&world.rpc(3), 2);
    world.agree(&[0, 1, 2, 3], height_of(&third));
    eventually("all agree again", || {
        (0..4).all(|i| world.states(i).iter().all(|state| state == "agrees")).then_some(())
    });
    let seen = world.seen_by(0);
    assert_eq!(seen["quorum"], 3);
    assert_eq!(seen["voting"], true);
    assert_eq!(seen["stalled"], Value::Null);
    let signed = |i: usize| seen["members"][i]["signedLast"].as_u64().expect("a count");
    assert!((0..4).any(|i| signed(i) > 0), "{seen}");
}

#[test]
fn two_of_four_are_too_few_and_why_stalled_names_the_missing() {
    let mut world = World::founded("stalled");
    world.start_all();
    let first = send(&world.rpc(0), 0);
    world.agree(&[0, 1, 2, 3], height_of(&first));
    world.kill(2);
    world.kill(3);
    let said = eventually("it is seen that nothing goes on", || {
        let said = tulou_says(&["why-stalled", "--rpc", &world.url(0)]);
        said.contains("No block became final").then_some(said)
    });
    assert!(said.contains("2 of 4 validators are here, 3 are needed"), "{said}");
    assert!(said.contains("bank (127.0.0.1:") && said.contains("committee (127.0.0.1:"), "{said}");
    assert!(!said.contains("street ("), "{said}");
    world.spawn(2);
    world.wait_until_it_answers(2);
    let second = send(&world.rpc(0), 1);
    world.agree(&[0, 1, 2], height_of(&second));
    let said = tulou_says(&["why-stalled", "--rpc", &world.url(0)]);
    assert!(said.contains("Nothing is stalled"), "{said}");
}

#[test]
fn another_protocol_is_refused_on_both_sides_and_the_others_go_on() {
    let mut world = World::founded("protocol");
    (0..3).for_each(|i| world.spawn(i));
    world.spawn_with(3, &["--drill-protocol", "2"]);
    (0..3).for_each(|i| world.wait_until_it_answers(i));
    let first = send(&world.rpc(0), 0);
    world.agree(&[0, 1, 2], height_of(&first));
    eventually("both sides say why", || {
        let old = world.log(0).contains("it speaks protocol 2");
        let new = world.log(3).contains("it speaks protocol 1");
        (old && new).then_some(())
    });
    eventually("it counts as gone", || (world.states(0)[3] == "stopped").then_some(()));
    let second = send(&world.rpc(1), 1);
    world.agree(&[0, 1, 2], height_of(&second));
}

#[test]
fn a_member_starts_from_a_backup_without_its_votes_and_follows() {
    let mut world = World::founded("backup");
    world.start_all();
    let first = send(&world.rpc(0), 0);
    world.agree(&[0, 1, 2, 3], height_of(&first));
    world.kill(3);
    let (node, backup) = (world.nodes[3].clone(), world.dir.join("backup"));
    let said = tulou_says(&["verify", "--dir", shown(&node)]);
    assert!(said.contains("all of it is sound"), "{said}");
    let said = tulou_says(&["backup", "--dir", shown(&node), "--out", shown(&backup)]);
    assert!(said.contains("the votes are not in it"), "{said}");
    let keys = world.dir.join("keys");
    fs::rename(node.join("ledgers/four/keys"), &keys).expect("the keys are kept elsewhere");
    fs::remove_dir_all(&node).expect("the disk is gone");
    let said = tulou_says(&["restore", "--from", shown(&backup), "--dir", shown(&node)]);
    assert!(said.contains("put the keys into"), "{said}");
    fs::rename(&keys, node.join("ledgers/four/keys")).expect("the keys come back");
    world.spawn(3);
    world.wait_until_it_answers(3);
    let second = send(&world.rpc(1), 1);
    assert_eq!(receipt_at(&world, 3, &second["transactionHash"]), second);
    world.agree(&[0, 1, 2, 3], height_of(&second));
    // It has no record of its votes, so it does not vote in this epoch.
    let seen = world.seen_by(3);
    assert_eq!((&seen["voting"], &seen["observingUntil"]), (&json!(false), &json!("next epoch")));
}

/// `tulou call` opens the account of a member's folder with the passphrase, and says so where it cannot.
fn speaks_with_its_encrypted_account(member: &Path, passphrase: &Path) {
    let node = tulou_testing::empty_node();
    let key = member.join("ledgers/four/keys/account.json");
    let call = |passphrase: Option<&Path>| {
        let mut command = std::process::Command::new(tulou_testing::program());
        command.args(["call", "--rpc", node.rpc().url(), "--key", shown(&key), "registry.totals"]);
        command.env_remove("TULOU_PASSPHRASE_FILE").stdin(std::process::Stdio::null());
        if let Some(file) = passphrase {
            command.env("TULOU_PASSPHRASE_FILE", file);
        }
        command.output().expect("the program starts")
    };
    let output = call(Some(passphrase));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let wrong = member.join("wrong");
    fs::write(&wrong, "other words\n").expect("a file");
    for (given, expected) in [(Some(&*wrong), "does not open"), (None, "no passphrase was given")] {
        let output = call(given);
        assert!(!output.status.success());
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    }
}

#[test]
fn members_who_make_their_own_keys_found_the_same_ledger() {
    let dir = std::env::temp_dir().join(format!("tulou-cards-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("a folder");
    let file = dir.join("consortium.toml");
    fs::write(&file, founding_file(&[7_901, 7_902, 7_903, 7_904, 1, 2, 3, 4])).expect("a file");
    let passphrase = dir.join("passphrase");
    fs::write(&passphrase, "four words of somebody\n").expect("a file");
    let mut cards = Vec::new();
    for name in NAMES {
        let out = dir.join(name);
        let output = std::process::Command::new(tulou_testing::program())
            .args(["init", "member", "--from", shown(&file), "--name", name, "--out", shown(&out)])
            .env("TULOU_PASSPHRASE_FILE", &passphrase)
            .output()
            .expect("the program starts");
        assert!(output.status.success(), "{}", text(&output.stderr));
        let key = out.join("ledgers/four/keys/validator.json");
        assert_eq!(fs::metadata(&key).expect("a key").permissions().mode() & 0o777, 0o600);
        cards.push(out.join("ledgers/four/card.toml"));
    }
    speaks_with_its_encrypted_account(&dir.join("housing"), &passphrase);
    let assemble = |out: &str, order: &[usize]| {
        let out = dir.join(out);
        let mut arguments = vec!["init", "assemble", "--from", shown(&file), "--out", shown(&out)];
        for i in order {
            arguments.extend(["--card", shown(&cards[*i])]);
        }
        let said = tulou_says(&arguments);
        said.lines()
            .filter(|l| l.starts_with("Mark") || l.starts_with("Genesis"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let one = assemble("housing", &[0, 1, 2, 3]);
    let two = assemble("bank", &[3, 1, 0, 2]);
    let reader = assemble("somebody", &[1, 0, 3, 2]);
    assert!(one.contains("0x"), "{one}");
    assert_eq!((&one, &one), (&two, &reader));
    let page = |path: &str| fs::read(dir.join(path)).expect("a first page");
    assert_eq!(page("housing/ledgers/four/genesis.json"), page("bank/ledgers/four/genesis.json"));
    assert_eq!(page("housing/ledgers/four/genesis.json"), page("somebody/genesis.json"));
    // A card is missing: nothing is founded.
    let missing = tulou(&[
        "init",
        "assemble",
        "--from",
        shown(&file),
        "--out",
        shown(&dir.join("street")),
        "--card",
        shown(&cards[0]),
    ]);
    assert!(!missing.status.success());
    assert!(text(&missing.stderr).contains("street has no keys"), "{}", text(&missing.stderr));
    fs::remove_dir_all(&dir).expect("the folder goes");
}

#[test]
fn the_doctor_finds_a_wrong_key_a_readable_key_and_closed_ports() {
    let world = World::founded("doctor");
    let doctor = |i: usize| {
        let output = tulou(&["doctor", "--dir", shown(&world.nodes[i])]);
        (output.status.success(), text(&output.stdout))
    };
    let (healthy, said) = doctor(0);
    assert!(!healthy, "nobody else runs: {said}");
    assert!(said.contains("FAIL  four: 1 of 4 validators can be reached, 3 are needed"), "{said}");
    assert!(said.contains("street does not answer at 127.0.0.1:"), "{said}");
    assert!(said.contains("ok    four: the node key is that of housing"), "{said}");
    assert!(said.contains("founded and never started"), "{said}");

    let key = world.nodes[0].join("ledgers/four/keys/validator.key");
    fs::write(&key, "07".repeat(32)).expect("a key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("permissions");
    let (healthy, said) = doctor(0);
    assert!(!healthy);
    assert!(said.contains("belongs to no member of this ledger"), "{said}");
    assert!(said.contains("chmod 600"), "{said}");
    fs::remove_file(&key).expect("the key goes");
    let (_, said) = doctor(0);
    assert!(said.contains("validator.json is missing"), "{said}");
}
