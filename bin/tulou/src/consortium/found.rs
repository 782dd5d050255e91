//! The five founders of Guihua Garden.

use std::{fs, net::TcpListener, ops::Range, path::Path};

use alloy_primitives::keccak256;
use tulou_node::{
    Readers, Unlock,
    founding::{Founded, MemberKeys, Place, Plan, genesis_hash, settle_in},
};

use crate::{
    demo::{self, calendar::in_words},
    dev::CHAIN_ID,
    output::{Failure, Outcome},
};

/// Name, folder, and the demo person who speaks for the member; in the order of the page.
pub(super) const FOUNDERS: [(&str, &str, &str); 5] = [
    ("区住建局", "housing-bureau", "housing-bureau"),
    ("街道办", "street-office", "street-office"),
    ("开户行", "bank", "bank"),
    ("物业公司", "manager", "manager"),
    ("业委会", "committee", "chair"),
];

/// Where ports are looked for: below those that the system gives to outgoing connections.
const PORTS: Range<u16> = 21_000..30_000;

/// Makes the folders of the five members.
pub(super) fn found(dir: &Path, story: &demo::Story, readers: Readers) -> Outcome {
    let ports = free_ports(dir)?;
    let text = founding_file(story, &ports, readers);
    let mut plan = Plan::read(&text)?;
    let mut places = Vec::new();
    for (i, (_, _, person)) in FOUNDERS.iter().enumerate() {
        let node = dir.join(format!("{}-{}", i + 1, plan.members[i].folder));
        let place = Place { node, ledger: plan.ledger.clone() };
        let account = keccak256(format!("tulou-demo:{person}"));
        let keys = MemberKeys::random_with_account(account)?;
        let member = plan.members[i].clone();
        let card = place.enter(&member, plan.chain_id(), &keys, Unlock::default())?;
        plan.accept(&card)?;
        places.push(place);
    }
    let genesis = plan.genesis()?;
    let hash = genesis_hash(&genesis).map_err(Failure)?;
    let founded = Founded { genesis, hash, readers: plan.readers };
    for (i, (member, place)) in plan.members.iter().zip(&places).enumerate() {
        settle_in(place, member, i, &founded)?;
    }
    // Last: a folder with this file is a whole one.
    let path = dir.join("consortium.toml");
    fs::write(&path, text).map_err(|e| Failure(format!("{}: {e}", path.display())))
}

/// The file that founds the demo, as a person would have written it.
fn founding_file(story: &demo::Story, ports: &[u16], readers: Readers) -> String {
    let mut text = format!(
        "# The founding file of the demonstration. Every key of it can be computed by anyone.\n\
         estate = \"桂花苑\"\n\
         ledger = \"guihua\"\n\
         chain_id = {CHAIN_ID}\n\
         founded = {}\n\
         epoch_length = 500\n\
         heartbeat_ms = 5000\n\
         readers = \"{readers}\"\n\
         packs = [\"cn\", \"cn-hangzhou\"]\n\n\
         [council]\n\
         participation = \"2/3\"\n\
         majority = \"2/3\"\n\
         veto = \"1/3\"\n\
         voting_s = 604800\n\
         delay_s = 172800\n",
        in_words(story.begin())
    );
    for (i, (name, folder, _)) in FOUNDERS.iter().enumerate() {
        let (node, rpc) = (ports[i], ports[i + FOUNDERS.len()]);
        text.push_str(&format!(
            "\n[[member]]\nname = \"{name}\"\nfolder = \"{folder}\"\n\
             address = \"127.0.0.1:{node}\"\nrpc = \"127.0.0.1:{rpc}\"\n"
        ));
    }
    for (office, account) in story.offices() {
        text.push_str(&format!(
            "\n[[office]]\noffice = \"{office}\"\naccount = \"{account}\"\nuntil = {}\n",
            in_words(story.terms_end())
        ));
    }
    text
}

/// Ten ports that nobody listens on now, the same ones for the same folder where they are free.
fn free_ports(dir: &Path) -> Result<Vec<u16>, Failure> {
    let wanted = FOUNDERS.len() * 2;
    let hash = keccak256(dir.canonicalize()?.as_os_str().as_encoded_bytes());
    let span = PORTS.end - PORTS.start;
    let begin = u16::from_be_bytes([hash[0], hash[1]]) % span;
    let all = (0..span).map(|i| PORTS.start + (begin + i) % span);
    let free = all.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    let ports: Vec<u16> = free.take(wanted).collect();
    match ports.len() {
        found if found == wanted => Ok(ports),
        found => Err(Failure(format!("{found} free ports were found, {wanted} are needed"))),
    }
}
