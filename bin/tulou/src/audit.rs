//! `tulou audit`: anyone checks the book with a key sheet and without an account, and learns which node
//! lies.

mod page;

use std::{
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_primitives::B256;
use clap::Args;
use serde_json::{Value, json};
use tulou_client::{HeadReport, NodeReport, Readers, Rpc};
use tulou_proofs::KeySheet;

use crate::{
    call::signing_key,
    output::{Failure, Outcome, say},
};

/// Most pages that are searched for receipts.
const PAGES_MAX: u64 = 10_000;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The key sheet: its text (`tulou:1:...`), or a file that holds it. From paper or from several
    /// members, never from the node that is checked.
    #[arg(long)]
    sheet: String,
    /// The nodes, separated by commas. Two members' nodes are better than one.
    #[arg(long, value_delimiter = ',', default_value = "http://localhost:8545")]
    rpc: Vec<String>,
    /// How many of the newest receipts are checked.
    #[arg(long, default_value_t = 20)]
    receipts: usize,
    /// File with an account's key, to sign in with at nodes whose readers are members: without it they list no
    /// transactions, and no receipts of theirs are checked.
    #[arg(long)]
    key: Option<PathBuf>,
    /// Folder with a build of the app of one's own (`make web`, then `web/dist`), to compare the nodes' with.
    #[arg(long)]
    web: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let sheet = read_sheet(&options.sheet)?;
    let nodes = nodes(options)?;
    let mut readers = Readers::new(sheet.clone(), nodes.clone());
    say(&format!(
        "key sheet    chain {}, begins with {}, {} validators in epoch {}",
        sheet.chain_id,
        sheet.genesis,
        sheet.validators.len(),
        sheet.epoch
    ))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let heads = readers.heads(now);
    let client = readers.client();
    let known = client.validators(client.epoch()).map_or(0, <[B256]>::len);
    say(&format!("followed     to epoch {}, {known} validators", client.epoch()))?;
    tell(&heads.nodes)?;
    let Some(head) = heads.head else {
        return Err(Failure::hint(
            "no node showed a page that this key sheet certifies",
            "check that the sheet and the addresses are of the same estate; nothing was changed",
        ));
    };
    if let Some(age) = heads.stale_s {
        say(&format!(
            "old          the newest page is {age} seconds older than this machine's clock: every node asked may be hiding newer pages, the ledger may stand still, or the clock is wrong"
        ))?;
    }
    let mut reports = heads.nodes.clone();
    let (held, checked) =
        receipts(&mut readers, &nodes, head.height, options.receipts, &mut reports)?;
    say(&format!("receipts     {held} of {checked} hold, the newest first"))?;
    if checked < options.receipts && options.key.is_none() {
        say(
            "             nodes whose readers are members list transactions only to who signs in (--key)",
        )?;
    }
    let pages = page::check(&nodes, options.web.as_deref())?;
    result(&heads, &reports, held == checked)?;
    pages
}

fn nodes(options: &Options) -> Result<Vec<Rpc>, Failure> {
    let urls = options.rpc.iter().map(|url| Rpc::new(url.trim()));
    let Some(path) = &options.key else { return Ok(urls.collect()) };
    let key = signing_key(Some(path))?;
    urls.map(|rpc| rpc.sign_in(&key).map_err(|e| Failure::hint(e, "nothing was checked"))).collect()
}

fn read_sheet(given: &str) -> Result<KeySheet, Failure> {
    let text = if given.trim_start().starts_with("tulou:") {
        given.to_owned()
    } else {
        std::fs::read_to_string(Path::new(given)).map_err(|e| {
            Failure::hint(
                format!("{given}: {e}"),
                "--sheet takes a file or the text that begins with tulou:1:",
            )
        })?
    };
    KeySheet::parse(&text).map_err(|e| Failure::hint(e, "nothing was checked"))
}

fn tell(nodes: &[NodeReport]) -> Outcome {
    for node in nodes {
        let word = if node.finding.is_lie() { "LIES" } else { "node" };
        say(&format!("{word:<12} {}: {}", node.url, node.finding))?;
    }
    Ok(())
}

/// Checks the newest receipts at all nodes. Gives how many hold and how many were looked at.
fn receipts(
    readers: &mut Readers,
    nodes: &[Rpc],
    head: u64,
    wanted: usize,
    reports: &mut Vec<NodeReport>,
) -> Result<(usize, usize), Failure> {
    let (mut held, mut checked) = (0, 0);
    for height in (1..=head).rev().take(PAGES_MAX as usize) {
        if checked >= wanted {
            break;
        }
        for hash in transactions(nodes, height).into_iter().take(wanted - checked) {
            let answered = readers.receipt(hash);
            checked += 1;
            held += usize::from(answered.found.is_some());
            let lies: Vec<NodeReport> =
                answered.nodes.into_iter().filter(|node| node.finding.is_lie()).collect();
            if !lies.is_empty() {
                say(&format!("receipt      {hash} on page {height}"))?;
                tell(&lies)?;
                reports.extend(lies);
            }
        }
    }
    Ok((held, checked))
}

/// Hashes of the transactions of a page, as the first node that answers has them. Not proven: what is
/// proven are the receipts.
fn transactions(nodes: &[Rpc], height: u64) -> Vec<B256> {
    let params = json!([format!("0x{height:x}"), false]);
    let block = nodes.iter().find_map(|node| {
        node.call("eth_getBlockByNumber", params.clone()).ok().filter(|block| !block.is_null())
    });
    let hashes = block.as_ref().and_then(|block| block["transactions"].as_array());
    let hash = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
    hashes.map(|list| list.iter().filter_map(hash).collect()).unwrap_or_default()
}

fn result(heads: &HeadReport, reports: &[NodeReport], all_hold: bool) -> Outcome {
    let mut liars: Vec<&str> =
        reports.iter().filter(|node| node.finding.is_lie()).map(|node| node.url.as_str()).collect();
    liars.sort_unstable();
    liars.dedup();
    if !liars.is_empty() {
        return Err(Failure::hint(
            format!("not to be trusted: {}", liars.join(", ")),
            "keep this output and show it to the council and to the member whose node it is; read from the other nodes meanwhile",
        ));
    }
    if !all_hold {
        return Err(Failure::hint(
            "not every receipt could be proven",
            "ask again with the addresses of more members",
        ));
    }
    if heads.stale_s.is_some() {
        return Err(Failure::hint(
            "the newest page is old",
            "ask again with the addresses of more members",
        ));
    }
    let height = heads.head.map_or(0, |head| head.height);
    say(&format!(
        "result       the book holds up to page {height}; every node asked showed the same"
    ))
}
