//! Erasures and their entries on the ledger.

use std::path::PathBuf;

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::SolCall;
use clap::Args;
use serde_json::json;
use tulou_client::{Key, Rpc, parse_number};
use tulou_modules::{
    address::documents as DOCUMENTS,
    documents::IDocuments::{Kind, documentCall, documentsOfCall, isKnownCall, registerCall},
};
use tulou_vault::Erasure;

use super::{place::Which, shown};
use crate::{
    call::{in_words, signing_key},
    output::{Failure, Outcome, say},
};

/// How long whoever erased keeps the vault's note of it: ten years.
const RETAIN_S: u64 = 10 * 365 * 86_400;
/// Public, and the same for all: nothing of what was erased.
const TITLE: &str = "档案记录销毁凭证";
/// Entries asked for at once.
const PAGE: u64 = 200;

#[derive(Debug, Args)]
pub(crate) struct Erase {
    #[command(flatten)]
    which: Which,
    /// Numbers of the records. No master key is needed.
    #[arg(required = true)]
    ids: Vec<B256>,
    /// The node that takes the entry.
    #[arg(long, default_value = "http://localhost:8545")]
    rpc: String,
    /// File with the key of an office that files documents, plain or encrypted as for `tulou call`; on a dev
    /// chain account 0 of the test mnemonic is used without it.
    #[arg(long)]
    key: Option<PathBuf>,
    /// Erases without a node. `tulou vault erase` again, with one, sends the entry.
    #[arg(long, conflicts_with = "key")]
    without_entry: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    which: Which,
    /// The node that shows the entries.
    #[arg(long, default_value = "http://localhost:8545")]
    rpc: String,
}

pub(crate) fn erase(options: &Erase) -> Outcome {
    // A key that does not open must not be found out after the erasing.
    let key = match options.without_entry {
        true => None,
        false => Some(signing_key(options.key.as_ref())?),
    };
    let vault = options.which.open_blind()?;
    for id in &options.ids {
        let erasure = vault.erase(*id).map_err(|e| Failure::hint(e, "nothing of it was erased"))?;
        let entry = match &key {
            None => json!(null),
            Some(key) => enter(&Rpc::new(&options.rpc), key, &erasure)?,
        };
        let versions: Vec<u64> = erasure.versions.iter().map(|(version, _)| *version).collect();
        let line = json!({
            "id": id, "erased": true, "versions": versions, "commitment": erasure.commitment(),
            "entry": entry,
        });
        say(&line.to_string())?;
    }
    Ok(())
}

/// Enters an erasure, unless it is on file.
fn enter(rpc: &Rpc, key: &Key, erasure: &Erasure) -> Result<serde_json::Value, Failure> {
    let hash = erasure.commitment();
    let unsent = "it is erased; the entry is missing: make the same call again";
    let hint = |e| in_words(&e, unsent);
    let known = view(rpc, key, &isKnownCall { hash }).map_err(hint)?;
    let known = isKnownCall::abi_decode_returns(&known).map_err(|_| no_node(rpc))?;
    if known {
        return Ok(json!("on file already"));
    }
    let head = rpc.call("eth_getBlockByNumber", json!(["latest", false])).map_err(hint)?;
    let now = parse_number(&head["timestamp"]).ok_or_else(|| no_node(rpc))?;
    let call = registerCall {
        hash,
        kind: Kind::Erasure,
        custodian: key.address(),
        retainUntil: now.saturating_add(RETAIN_S),
        title: TITLE.into(),
    };
    let receipt = rpc.transact(key, DOCUMENTS, call.abi_encode().into()).map_err(hint)?;
    Ok(json!({ "transaction": receipt["transactionHash"], "block": receipt["blockNumber"] }))
}

fn view(rpc: &Rpc, key: &Key, call: &impl SolCall) -> Result<Bytes, tulou_client::ClientError> {
    rpc.view(key.address(), DOCUMENTS, &call.abi_encode().into())
}

fn no_node(rpc: &Rpc) -> Failure {
    Failure(format!("{} does not answer as a Tulou node does", rpc.url()))
}

/// Whether the ledger has the entry of an erasure.
pub(super) fn stands(rpc: &Rpc, erasure: &Erasure) -> Result<bool, Failure> {
    let anyone = Key::test(0)?;
    let hash = erasure.commitment();
    let known = view(rpc, &anyone, &isKnownCall { hash })?;
    if !isKnownCall::abi_decode_returns(&known).map_err(|_| no_node(rpc))? {
        return Ok(false);
    }
    let found = view(rpc, &anyone, &documentCall { hash })?;
    let found = documentCall::abi_decode_returns(&found).map_err(|_| no_node(rpc))?;
    Ok(found.kind == Kind::Erasure)
}

pub(crate) fn check(options: &Check) -> Outcome {
    let vault = options.which.look()?;
    let rpc = Rpc::new(&options.rpc);
    let mut entries = Vec::new();
    let (anyone, mut cursor) = (Key::test(0)?, 0);
    loop {
        let call = documentsOfCall { kind: Kind::Erasure, cursor, limit: PAGE };
        let page = view(&rpc, &anyone, &call)?;
        let page = documentsOfCall::abi_decode_returns(&page).map_err(|_| no_node(&rpc))?;
        entries.extend(page.items.into_iter().map(|document| document.hash));
        cursor = page.next;
        if cursor == 0 {
            break;
        }
    }
    let erasures = vault.erasures()?;
    let commitments: Vec<B256> = erasures.iter().map(Erasure::commitment).collect();
    let missing: Vec<B256> = erasures
        .iter()
        .filter(|erasure| !entries.contains(&erasure.commitment()))
        .map(|erasure| erasure.id)
        .collect();
    let of_others = entries.iter().filter(|entry| !commitments.contains(entry)).count();
    let summary = json!({
        "erased": erasures.len(), "entered": erasures.len() - missing.len(),
        "without_entry": shown(&missing), "entries_of_others": of_others,
    });
    say(&summary.to_string())?;
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Failure::hint(
            format!("{} erasures have no entry", missing.len()),
            "`tulou vault erase` with their numbers sends it; nothing is erased twice",
        )),
    }
}
