//! The council changes who votes on blocks, while the blocks go on.

use alloy_primitives::keccak256;
use alloy_sol_types::{SolCall, SolError};
use serde_json::json;
use tulou_client::{Finding, Readers, Rpc};
use tulou_modules::{address, validators::IValidators};
use tulou_proofs::KeySheet;

use crate::{
    send,
    world::{World, eventually, shown, text, tulou, tulou_says},
};

/// Short epochs and a council that is quick to decide.
const QUICK: &str = "epoch_length = 6\nheartbeat_ms = 500\npacks = [\"cn\"]\n\
    [council]\nparticipation = \"2/3\"\nmajority = \"2/3\"\nveto = \"1/3\"\nvoting_s = 6\n\
    delay_s = 2\n";

/// Proposes a call, lets members vote for it by the command line, and executes it after the delay.
fn decide(world: &World, id: u64, voters: &[usize], call: &impl SolCall) {
    let target = address::validators.to_string();
    let url = world.url(voters[0]);
    let by = |member: usize, arguments: &[&str]| {
        let key = world.account_key(member);
        let head = ["call", "--rpc", &url, "--key", shown(&key)];
        tulou_says(&[&head[..], arguments].concat())
    };
    let data = format!("0x{}", alloy_primitives::hex::encode(call.abi_encode()));
    let hash = keccak256("the reasons at length").to_string();
    by(voters[0], &["council.propose", &target, &data, "A change", &hash]);
    for voter in voters {
        by(*voter, &["council.vote", &id.to_string(), "true"]);
    }
    // Before the delay is over it is refused, and nothing is sent.
    let execute = || {
        let key = world.account_key(voters[0]);
        let id = id.to_string();
        let arguments = ["call", "--rpc", &url, "--key", shown(&key), "council.execute", &id];
        let output = tulou(&arguments);
        let said = text(&output.stderr);
        let early = ["WrongStage", "TooEarly"].iter().any(|refusal| said.contains(refusal));
        assert!(output.status.success() || early, "{said}");
        output.status.success().then_some(())
    };
    eventually(&format!("proposal {id} is executed"), execute);
}

/// The validators of the epoch that runs, as a node tells them.
fn signers(rpc: &Rpc) -> Vec<String> {
    let epoch = rpc.get("/api/v1/validators/epoch").expect("an epoch");
    let current = epoch["current"].as_str().expect("a number");
    let set = rpc.get(&format!("/api/v1/validators/set_of?epoch={current}")).expect("a set");
    let keys = set["keys"].as_array().expect("keys").iter();
    keys.map(|key| key.as_str().expect("a key").to_owned()).collect()
}

#[test]
fn the_council_replaces_a_key_and_admits_a_node_while_the_book_goes_on() {
    let mut world = World::founded_with("council", QUICK);
    world.start_all();
    send(&world.rpc(0), 0);
    let sheet = world.rpc(0).call("tulou_getKeySheet", json!([])).expect("a key sheet");
    let sheet = sheet["text"].as_str().expect("text").to_owned();
    let [third, old] = [2, 3].map(|member| world.key_of(member));

    // A new key for the fourth member, on a new machine.
    let (fresh, key) = world.add_node_of(3);
    let call = IValidators::replaceKeyCall { oldKey: old, newKey: key };
    decide(&world, 1, &[0, 1, 2], &call);
    world.spawn(fresh);
    world.wait_until_it_answers(fresh);
    eventually("the new key signs", || {
        let set = signers(&world.rpc(0));
        (set.contains(&key.to_string()) && !set.contains(&old.to_string())).then_some(())
    });
    eventually("the new node votes and the old one does not", || {
        let voting = |i: usize| world.seen_by(i)["voting"] == json!(true);
        (voting(fresh) && !voting(3)).then_some(())
    });
    // Without the old node and one more, three of four are left only if the new one signs.
    world.kill(3);
    world.kill(2);
    let after = send(&world.rpc(1), 1);
    world.agree(&[0, 1, fresh], crate::height_of(&after));

    // Four bear the loss of one, three of none: the rule keeps the fourth, though the council agreed.
    let call = IValidators::dismissCall { key: third };
    decide(&world, 2, &[0, 1, 3], &call);
    let ended = tulou_says(&["call", "--rpc", &world.url(0), "council.proposal", "2"]);
    let refusal = alloy_primitives::hex::encode(IValidators::TooFewValidators::SELECTOR);
    assert!(ended.contains(&refusal), "{ended}");

    // A second node of the third member, admitted to follow: the others let it in while they run.
    let (reader, key) = world.add_node_of(2);
    let kind = IValidators::Kind::Observer;
    let member = world.account_of(2);
    let endpoint = world.listen_of(reader);
    let call = IValidators::admitCall { key, member, kind, endpoint };
    decide(&world, 3, &[0, 1, 3], &call);
    world.spawn(reader);
    world.wait_until_it_answers(reader);
    let last = send(&world.rpc(fresh), 2);
    world.agree(&[0, 1, fresh, reader], crate::height_of(&last));

    // A reader who knows nothing but the first key sheet follows the change.
    let nodes = [0, 1, fresh, reader].map(|i| world.rpc(i)).to_vec();
    let mut readers = Readers::new(KeySheet::parse(&sheet).expect("a sheet"), nodes);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("now");
    for report in readers.heads(now.as_secs()).nodes {
        assert!(matches!(report.finding, Finding::Agrees { .. }), "{}", report.finding);
    }
}
