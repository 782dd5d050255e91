//! `tulou dev`: the whole product on one machine, with the engine that a consortium uses.

use std::{
    collections::BTreeMap,
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{Address, B256, U256};
use clap::Args;
use tulou_client::Key;
use tulou_modules::roles::Office;
use tulou_node::{Node, NodeConfig, NodeFolder, Readers};
use tulou_primitives::{Genesis, GenesisAccount, GenesisMember, OfficeHolder};

use crate::{
    demo,
    node::on_interrupt,
    output::{Failure, Outcome},
};

/// EIP-155 id of dev chains.
pub(crate) const CHAIN_ID: u64 = 7755;
/// Gas of a block: 47,619 plain transfers.
pub(crate) const GAS_LIMIT: u64 = 1_000_000_000;
/// Accounts of the test mnemonic that an empty chain funds.
const TEST_ACCOUNTS: u32 = 20;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder of the ledger; made where it is missing.
    #[arg(long, default_value = ".tulou/demo")]
    dir: PathBuf,
    /// Port on this machine; 0 takes a free one.
    #[arg(long, default_value_t = 8545)]
    port: u16,
    /// Forget what the folder holds and start over.
    #[arg(long)]
    fresh: bool,
    /// Who may read what is for members of the estate: `members` who have signed in, or `anyone`. Without it,
    /// members; with --empty anyone, because tools read such a chain and nobody lives in it.
    #[arg(long)]
    readers: Option<Readers>,
    /// No demo estate: the test mnemonic's accounts are funded, account 0 holds every office.
    #[arg(long)]
    empty: bool,
    /// With --empty: so many accounts more, to measure with a state of some size.
    #[arg(long, default_value_t = 0, requires = "empty", hide = true)]
    filler: u64,
}

pub(crate) fn run(options: Options) -> Outcome {
    if options.fresh {
        forget(&options.dir)?;
    }
    let unfinished = options.dir.join("seeding");
    if unfinished.exists() {
        // A first start that was cut off has told half a story: begin again.
        forget(&options.dir)?;
    }
    let is_new = NodeFolder::open(&options.dir)?.is_new()?;
    let mut config = NodeConfig::dev(options.dir.clone());
    let usual = if options.empty { Readers::Anyone } else { Readers::Members };
    config.rpc.readers = options.readers.unwrap_or(usual);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let story = demo::Story::ending_at(now);
    let mut node = Node::start(config, |validator| {
        if options.empty {
            Genesis { filler: options.filler, ..empty_genesis(validator, now) }
        } else {
            story.genesis(validator)
        }
    })?;
    if is_new && !options.empty {
        let marking = |e| Failure(format!("{}: {e}", unfinished.display()));
        fs::write(&unfinished, "").map_err(marking)?;
        println!("telling the story of Guihua Garden: register, votes, a year of money ...");
        story.tell(&node)?;
        fs::remove_file(&unfinished).map_err(marking)?;
    }
    serve_until_stopped(&mut node, options.port)
}

/// Lets people in, prints the address, then waits for an interrupt.
fn serve_until_stopped(node: &mut Node, port: u16) -> Outcome {
    let address = node.serve((Ipv4Addr::LOCALHOST, port).into())?;
    println!("http://localhost:{}", address.port());
    let stopped = on_interrupt()?;
    while stopped.recv_timeout(Duration::from_millis(500)).is_err() {
        if !node.is_running() {
            return Err(Failure::hint(
                "the consensus engine has stopped",
                "nothing final is lost; the log says why, and a start continues from there",
            ));
        }
    }
    Ok(())
}

/// Removes what `tulou dev` made in a folder, and nothing else.
fn forget(dir: &Path) -> Outcome {
    let ours = [
        "engine",
        "ledger",
        "genesis.json",
        "genesis.json.new",
        "validator.key",
        "keeper.key",
        "seeding",
    ];
    for name in ours {
        let path = dir.join(name);
        let result = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match result {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure(format!("{}: {e}", path.display())));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A ledger with nothing but the law, the test accounts and their offices.
fn empty_genesis(validator: B256, now: u64) -> Genesis {
    let accounts: Vec<Address> =
        (0..TEST_ACCOUNTS).filter_map(|i| Key::test(i).ok()).map(|key| key.address()).collect();
    let first = accounts.first().copied().unwrap_or_default();
    let offices = Office::NAMED
        .iter()
        .map(|(office, _)| OfficeHolder { office: (*office).into(), account: first, until: 0 })
        .collect();
    genesis(validator, now, offices, accounts)
}

/// A dev ledger.
pub(crate) fn genesis(
    validator: B256,
    timestamp: u64,
    offices: Vec<OfficeHolder>,
    funded: Vec<Address>,
) -> Genesis {
    // 10,000 units of a coin that buys nothing: what development tools expect to see.
    let balance = U256::from(10_000u64) * U256::from(10u64).pow(U256::from(18u64));
    let funded = funded
        .into_iter()
        .map(|account| (account, GenesisAccount { balance, ..Default::default() }))
        .collect::<BTreeMap<_, _>>();
    Genesis {
        chain_id: CHAIN_ID,
        timestamp,
        gas_limit: GAS_LIMIT,
        epoch_length: 500,
        heartbeat_ms: 5_000,
        release: 1,
        members: vec![GenesisMember::lone(validator)],
        packs: vec!["cn".into(), "cn-hangzhou".into()],
        offices,
        accounts: funded,
        ..Default::default()
    }
}
