use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::{KeyError, Keys, NodeFolder, Settings, Unlock};

fn plan(text: &str) -> Result<Plan, String> {
    Plan::read(text).map_err(|problems| problems.to_string())
}

/// The template with one change.
fn changed(from: &str, to: &str) -> String {
    assert!(TEMPLATE.contains(from), "{from:?} is not in the template");
    TEMPLATE.replacen(from, to, 1)
}

fn unlock(passphrase: Option<&str>) -> Unlock {
    Unlock { passphrase: passphrase.map(str::to_owned), command: None }
}

#[test]
fn the_template_founds_a_ledger() {
    let plan = plan(TEMPLATE).unwrap();
    assert_eq!(plan.warnings, []);
    assert_eq!(plan.members.len(), 5);
    assert_eq!((plan.ledger.as_str(), plan.chain_id()), ("guihua", 775_501));
    // 24 November 2026, 09:00 in China.
    assert_eq!(plan.base.timestamp, 1_795_482_000);
    let missing = plan.genesis().unwrap_err().to_string();
    assert!(missing.contains("区住建局 has no keys") && missing.contains("card"), "{missing}");
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_a_cure() {
    let cases = [
        ("participation = \"2/3\"", "participation = \"0/3\"", "line 16: participation", "2/3"),
        ("majority = \"2/3\"", "majority = \"4/3\"", "line 17: majority", "2/3"),
        ("veto = \"1/3\"", "veto = \"often\"", "line 18: veto", "2/3"),
        ("voting_s = 604800", "voting_s = 0", "line 19: voting_s", "604800"),
        ("chain_id = 775501", "chain_id = 0", "line 7: chain_id", "choose"),
        (
            "founded = 2026-11-24T09:00:00+08:00",
            "founded = 2026-11-24",
            "line 8: founded",
            "+08:00",
        ),
        ("epoch_length = 500", "epoch_length = 1", "line 9: epoch_length", "500"),
        ("heartbeat_ms = 5000", "heartbeat_ms = 99", "line 10: heartbeat_ms", "5,000"),
        ("ledger = \"guihua\"", "ledger = \"桂花\"", "line 6: ledger", "small letters"),
        ("name = \"街道办\"", "name = \"区住建局\"", "line 31: name 区住建局", "of its own"),
        ("127.0.0.1:7802", "127.0.0.1:7801", "line 31: address", "of its own"),
        ("127.0.0.1:7802", "127.0.0.1", "line 33: address", "host and port"),
        ("folder = \"bank\"", "node = \"0x12\"", "line 37: node", "card"),
        ("folder = \"bank\"", "account = \"me\"", "line 37: account", "card"),
        ("office = \"registrar\"", "office = \"king\"", "line 52: there is no office", "registrar"),
        ("member = \"街道办\"", "member = \"街道\"", "line 57: \"街道\"", "exactly"),
        ("estate = ", "estat = ", "line 5: unknown field", "template"),
    ];
    for (from, to, what, cure) in cases {
        let error = plan(&changed(from, to)).unwrap_err();
        assert!(error.contains(what) && error.contains(cure), "{to}: {error}");
    }
}

#[test]
fn three_must_govern_and_none_alone() {
    let two = TEMPLATE.replace("folder = \"bank\"", "weight = 0");
    let two = two.replace("folder = \"manager\"", "weight = 0");
    let two = two.replace("folder = \"committee\"", "weight = 0");
    let error = plan(&two).unwrap_err();
    assert!(error.contains("2 member(s) govern, at least 3"), "{error}");
    let heavy = plan(&changed("folder = \"bank\"", "weight = 8")).unwrap();
    assert!(heavy.warnings[0].what.contains("开户行 can decide alone: it has 8 of 12"));
    // 7 of 11 is below two thirds.
    assert_eq!(plan(&changed("folder = \"bank\"", "weight = 7")).unwrap().warnings, []);
}

#[test]
fn fewer_than_four_validators_are_allowed_with_a_warning() {
    let three = TEMPLATE.replace("folder = \"bank\"", "kind = \"observer\"");
    let four = plan(&three).unwrap();
    assert_eq!(four.warnings, []);
    let three = plan(&three.replace("folder = \"manager\"", "kind = \"archive\"")).unwrap();
    assert!(
        three.warnings[0].what.contains("3 validator(s) bear no fault"),
        "{:?}",
        three.warnings
    );
}

/// Each member makes its own keys in a folder of its own.
fn cards(dir: &std::path::Path, plan: &Plan) -> Vec<(Place, Card)> {
    let make = |(i, member): (usize, &PlannedMember)| {
        let place = Place { node: dir.join(i.to_string()), ledger: plan.ledger.clone() };
        let card = place.new_member(member, plan.chain_id(), unlock(None)).unwrap();
        (place, card)
    };
    plan.members.iter().enumerate().map(make).collect()
}

#[test]
fn all_members_make_the_same_first_page_from_cards_alone() {
    let dir = tempfile::tempdir().unwrap();
    let made = cards(dir.path(), &plan(TEMPLATE).unwrap());
    let mut pages = Vec::new();
    for (rank, (place, own)) in made.iter().enumerate() {
        let mut plan = plan(TEMPLATE).unwrap();
        // In an order of their own.
        for i in 0..made.len() {
            let text = made[(rank + i) % made.len()].1.text().unwrap();
            plan.accept(&Card::read(&text).unwrap()).unwrap();
        }
        let genesis = plan.genesis().unwrap();
        let hash = genesis_hash(&genesis).unwrap();
        let member = plan.members.iter().find(|m| m.node == Some(own.node)).unwrap();
        settle_in(place, member, rank, &Founded { genesis, hash, readers: plan.readers }).unwrap();
        let bytes = std::fs::read(place.dir().join("genesis.json")).unwrap();
        pages.push((bytes, mark(hash)));
        let settings = Settings::read(&place.node).unwrap();
        assert_eq!(settings.ledgers[0].listen.port(), 7_801 + rank as u16);
        assert_eq!(settings.node.rpc.port(), 8_545 + rank as u16);
        assert_eq!(settings.node.readers, tulou_rpc::Readers::Members);
        let again = settle_in(
            place,
            member,
            rank,
            &Founded { genesis: plan.genesis().unwrap(), hash, readers: plan.readers },
        );
        assert!(matches!(again, Err(FoundingError::Exists(_))), "{again:?}");
    }
    assert!(pages.windows(2).all(|two| two[0] == two[1]));
}

#[test]
fn a_card_that_was_touched_does_not_count() {
    let dir = tempfile::tempdir().unwrap();
    let mut plan = plan(TEMPLATE).unwrap();
    let made = cards(dir.path(), &plan);
    let (one, two) = (&made[0].1, &made[1].1);
    let read = |card: &Card| Card::read(&card.text().unwrap());
    assert_eq!(read(one).unwrap(), *one);
    let moved = Card { address: "127.0.0.1:9999".into(), ..one.clone() };
    assert!(matches!(read(&moved), Err(CardError::NotSigned { key: "node", .. })));
    // A node key that somebody else's account claims.
    let claimed = Card { account: two.account, ..one.clone() };
    assert!(read(&claimed).is_err());
    let other_account = Card { account_proof: two.account_proof.clone(), ..one.clone() };
    assert!(matches!(read(&other_account), Err(CardError::NotSigned { key: "account", .. })));
    let foreign = Card { chain_id: 1, ..one.clone() };
    assert!(matches!(plan.accept(&foreign), Err(CardError::OtherLedger { found: 1, .. })));
    let stranger = Card { member: "路人".into(), ..one.clone() };
    assert!(matches!(plan.accept(&stranger), Err(CardError::NoMember(_))));
    plan.accept(one).unwrap();
    let replaced = Card { node: two.node, ..one.clone() };
    assert!(matches!(plan.accept(&replaced), Err(CardError::Differs { what: "node", .. })));
}

#[test]
fn keys_are_encrypted_and_for_their_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let keys = |passphrase| Keys::new(dir.path().join("keys"), unlock(passphrase));
    let secret = alloy_primitives::B256::repeat_byte(7);
    keys(Some("right words")).keep("validator", secret).unwrap();
    let path = keys(None).file("validator").unwrap();
    assert!(!std::fs::read_to_string(&path).unwrap().contains(&"07".repeat(32)));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(keys(Some("right words")).secret("validator").unwrap(), secret);
    let wrong = keys(Some("wrong words")).secret("validator");
    assert!(matches!(wrong, Err(KeyError::NotOpened { .. })), "{wrong:?}");
    assert!(matches!(keys(None).secret("validator"), Err(KeyError::Locked { .. })));
    assert!(matches!(keys(None).secret("account"), Err(KeyError::Missing { .. })));
    let twice = keys(None).keep("validator", secret);
    assert!(matches!(twice, Err(KeyError::Exists(_))), "{twice:?}");
    keys(None).keep("keeper", secret).unwrap();
    assert_eq!(keys(None).secret("keeper").unwrap(), secret);
}

#[test]
fn a_command_can_hold_the_keys() {
    let command = |text: &str| {
        let unlock = Unlock { passphrase: None, command: Some(text.into()) };
        Keys::new("/nowhere".into(), unlock).secret("validator")
    };
    let printing = format!("test $TULOU_KEY = validator && echo 0x{}", "09".repeat(32));
    assert_eq!(command(&printing).unwrap(), alloy_primitives::B256::repeat_byte(9));
    assert!(matches!(command("echo nothing"), Err(KeyError::NotAKey { .. })));
    assert!(matches!(command("exit 3"), Err(KeyError::Command { .. })));
}

#[test]
fn the_right_to_begin_is_used_once() {
    let dir = tempfile::tempdir().unwrap();
    let folder = NodeFolder::open(dir.path()).unwrap();
    let hash = alloy_primitives::B256::repeat_byte(1);
    folder.allow_first_start(hash).unwrap();
    let other = folder.begin(alloy_primitives::B256::repeat_byte(2), 1_000).unwrap_err();
    assert!(other.to_string().contains("another ledger"), "{other}");
    assert!(folder.may_begin());
    assert_eq!(folder.begin(hash, 1_000).unwrap(), None);
    assert!(!folder.may_begin());
    // Before the engine has written anything, the right is gone all the same.
    assert_eq!(folder.begin(hash, 2_000).unwrap(), Some(2_060));
    std::fs::write(folder.engine().join("votes"), "").unwrap();
    assert!(folder.has_journal());
    // What was lost stays lost until an epoch has passed, over any number of starts.
    assert_eq!(folder.begin(hash, 9_000).unwrap(), Some(2_060));
}
