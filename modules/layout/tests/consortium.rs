//! The modules of the consortium: council, validators, other ledgers.

use alloy_sol_types::SolCall;

use super::*;
use crate::council::tests::world::{
    ANYBODY, COUNCIL, DAY, DELAY, NOW as BEGUN, VOTING, consortium, key, member, proposed,
};

fn hash(value: B256) -> U256 {
    U256::from_be_bytes(value.0)
}

/// What every consortium of four begins with.
fn council_at_genesis(twin: &mut Twin<'_>) {
    for (field, value) in [
        ("gate.gasLimit", 30_000_000),
        ("gate.deployClosed", 1),
        ("limits.freezeDays", 90),
        ("limits.releaseNotice", 100),
        ("limits.openDays", 30),
        ("shares.participationNum", 2),
        ("shares.participationDen", 3),
        ("shares.majorityNum", 2),
        ("shares.majorityDen", 3),
        ("shares.vetoNum", 1),
        ("shares.vetoDen", 3),
        ("periods.voting", VOTING),
        ("periods.delay", DELAY),
        ("members", 4),
        ("releases[0].release", 1),
    ] {
        twin.put(field, U256::from(value));
    }
    for number in 1..=4u8 {
        let (row, account) = (format!("members[{}]", number - 1), word(member(number)));
        twin.put(&format!("{row}.seat.account"), account);
        twin.put(&format!("{row}.seat.weight"), U256::from(2));
        twin.put(&format!("{row}.span.sinceAt"), U256::from(BEGUN));
        twin.text(&format!("{row}.name"), &format!("member {number}"));
        twin.put(&format!("byAccount[{account}]"), U256::from(number));
    }
}

#[test]
fn the_council_lies_where_solc_puts_it() {
    use council::{ICouncil::*, entry};
    let Some(layouts) = layouts() else { return };
    let mut m = consortium(&[2, 2, 2, 2]);
    let freeze =
        freezeAccountCall { account: ANYBODY, untilAt: BEGUN + 5, code: 2, reason: LONG.into() };
    m.call(COUNCIL, entry, COUNCIL, &freeze).unwrap();
    let release = scheduleReleaseCall { release: 2, height: 500 };
    m.call(COUNCIL, entry, COUNCIL, &release).unwrap();
    let allow = allowDeployerCall { account: CHAIR, allowed: true };
    m.call(COUNCIL, entry, COUNCIL, &allow).unwrap();
    let input = allowDeployerCall { account: CHAIR, allowed: false };
    let call = proposeCall { title: LONG.into(), ..proposed(COUNCIL, &input) };
    m.call(COUNCIL, entry, member(2), &call).unwrap();
    for (number, in_favour) in [(1, true), (2, false), (3, true), (4, true)] {
        let vote = voteCall { id: 1, inFavour: in_favour };
        m.call(COUNCIL, entry, member(number), &vote).unwrap();
    }
    // A veto of a quarter, which is under a third.
    m.now = BEGUN + VOTING;
    let veto = vetoCall { id: 1, reason: "no".into() };
    m.call(COUNCIL, entry, member(4), &veto).unwrap();

    let mut twin = Twin::of(&layouts, "Council");
    council_at_genesis(&mut twin);
    let executable_at = BEGUN + VOTING + DELAY;
    for (field, value) in [
        ("gate.freezes", 1),
        ("releases", 2),
        ("releases[1].release", 2),
        ("releases[1].height", 500),
        ("proposals", 1),
        ("pending", 1),
        ("pending[0]", 1),
        ("proposals[0].head.state", ProposalState::Voting as u64),
        ("proposals[0].head.proposer", 2),
        ("proposals[0].head.lapsesAt", executable_at + 30 * DAY),
        ("proposals[0].times.proposedAt", BEGUN),
        ("proposals[0].times.closesAt", BEGUN + VOTING),
        ("proposals[0].times.executableAt", executable_at),
        ("proposals[0].voted", 0b1_1110),
        ("proposals[0].inFavour", 0b1_1010),
        ("proposals[0].vetoing", 0b1_0000),
    ] {
        twin.put(field, U256::from(value));
    }
    twin.put("proposals[0].target", word(COUNCIL)).text("proposals[0].title", LONG);
    twin.put("proposals[0].textHash", B256::repeat_byte(7));
    let bytes = input.abi_encode();
    twin.put("proposals[0].input.len", U256::from(bytes.len()));
    for (index, part) in bytes.chunks(32).enumerate() {
        twin.put(&format!("proposals[0].input.words[{index}]"), B256::right_padding_from(part));
    }
    let frozen = format!("frozen[{}]", word(ANYBODY));
    for (field, value) in [("untilAt", BEGUN + 5), ("fromAt", BEGUN), ("code", 2)] {
        twin.put(&format!("{frozen}.head.{field}"), U256::from(value));
    }
    twin.text(&format!("{frozen}.reason"), LONG);
    twin.put(&format!("deployers[{}]", word(CHAIR)), U256::ONE);
    twin.agrees(&m, COUNCIL);
}

#[test]
fn validators_lie_where_solc_puts_them() {
    use validators::{IValidators::*, entry};
    let Some(layouts) = layouts() else { return };
    let at = address::validators;
    let mut m = consortium(&[1, 1, 1, 1]);
    m.height = 350; // epoch 3 of a hundred heights each
    let new = replaceKeyCall { oldKey: key(0), newKey: key(5) };
    m.call(at, entry, COUNCIL, &new).unwrap();
    let endpoint = format!("{LONG}:9000").replace(' ', "-");
    let observer = admitCall {
        key: key(6),
        member: member(2),
        kind: Kind::Observer,
        endpoint: endpoint.clone(),
    };
    m.call(at, entry, COUNCIL, &observer).unwrap();

    let mut twin = Twin::of(&layouts, "Validators");
    twin.put("epochLength", U256::from(100));
    let (validator, watcher) = (Kind::Validator as u64, Kind::Observer as u64);
    // key, member, kind, first epoch, first epoch no longer, endpoint
    let rows = [
        (0, 1u64, validator, 0u64, 5u64, "10.0.0.1:9000"),
        (1, 2, validator, 0, 0, "10.0.0.2:9000"),
        (2, 3, validator, 0, 0, "10.0.0.3:9000"),
        (3, 4, validator, 0, 0, "10.0.0.4:9000"),
        (5, 1, validator, 5, 0, "10.0.0.1:9000"),
        (6, 2, watcher, 3, 0, endpoint.as_str()),
    ];
    twin.put("nodes", U256::from(rows.len())).put("connected", U256::from(rows.len()));
    for (index, (number, member, kind, from, until, endpoint)) in rows.into_iter().enumerate() {
        let (row, id) = (format!("nodes[{index}]"), U256::from(index + 1));
        twin.put(&format!("{row}.key"), key(number));
        let fields =
            [("member", member), ("kind", kind), ("fromEpoch", from), ("untilEpoch", until)];
        for (field, value) in fields {
            twin.put(&format!("{row}.head.{field}"), U256::from(value));
        }
        twin.text(&format!("{row}.endpoint"), endpoint);
        twin.put(&format!("ids[{}]", hash(key(number))), id);
        twin.put(&format!("connected[{index}]"), id);
    }
    twin.put("sets", U256::from(2)).put("sets[1].fromEpoch", U256::from(5));
    for (set, numbers) in [[0, 1, 2, 3], [1, 2, 3, 5]].into_iter().enumerate() {
        twin.put(&format!("sets[{set}].keys"), U256::from(numbers.len()));
        for (place, number) in numbers.into_iter().enumerate() {
            twin.put(&format!("sets[{set}].keys[{place}]"), key(number));
        }
    }
    twin.agrees(&m, at);
}

#[test]
fn other_ledgers_lie_where_solc_puts_them() {
    use ledgers::{
        ILedgers::*,
        entry,
        tests::{follow_call, prove},
    };
    let Some(layouts) = layouts() else { return };
    let at = address::ledgers;
    let vectors: Value =
        serde_json::from_str(include_str!("../../../tests/vectors/light.json")).unwrap();
    let text = vectors["sheet"].as_str().unwrap();
    let sheet = tulou_proofs::KeySheet::parse(text).unwrap();
    let links: Vec<tulou_proofs::EpochLink> =
        serde_json::from_value(vectors["links"].clone()).unwrap();
    let mut m = start();
    m.call(at, entry, COUNCIL, &registerCall { name: LONG.into(), sheet: text.into() }).unwrap();
    // The first link keeps the set, the second changes it.
    for link in &links[..2] {
        m.call(at, entry, ANYBODY, &follow_call(link)).unwrap();
    }
    let cases = vectors["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["name"] == "receipt: 3 on page 2").unwrap();
    let fact = m.call(at, entry, ANYBODY, &prove(case)).unwrap();

    let mut twin = Twin::of(&layouts, "Ledgers");
    let identity = keccak256(tulou_proofs::namespace(sheet.chain_id, sheet.genesis));
    twin.put("ledgers", U256::ONE).put(&format!("ids[{}]", hash(identity)), U256::ONE);
    twin.put("ledgers[0].genesis", sheet.genesis).text("ledgers[0].name", LONG);
    for (field, value) in [
        ("chainId", sheet.chain_id),
        ("epochs.length", sheet.epoch_length),
        ("epochs.first", sheet.epoch),
        ("epochs.last", sheet.epoch + 2),
        ("epochs.registeredAt", NOW),
        ("sets", 2),
        ("sets[0].from", sheet.epoch),
        ("sets[1].from", sheet.epoch + 2),
    ] {
        twin.put(&format!("ledgers[0].{field}"), U256::from(value));
    }
    for (set, keys) in [&sheet.validators, &links[1].next].into_iter().enumerate() {
        let list = format!("ledgers[0].sets[{set}].keys");
        twin.put(&list, U256::from(keys.len()));
        for (place, key) in keys.iter().enumerate() {
            twin.put(&format!("{list}[{place}]"), *key);
        }
    }
    twin.put("facts", U256::ONE);
    for (field, value) in [
        ("head.ledger", 1),
        ("head.height", 2),
        ("head.at", 1_790_000_010),
        ("head.succeeded", 1),
        ("recordedAt", NOW),
    ] {
        twin.put(&format!("facts[0].{field}"), U256::from(value));
    }
    let transaction = case["transaction"].as_str().unwrap().parse::<B256>().unwrap();
    twin.put("facts[0].transaction", transaction).put("facts[0].logsHash", fact.logsHash);
    twin.put(&format!("factIds[1][{}]", hash(transaction)), U256::ONE);
    twin.agrees(&m, at);
}
