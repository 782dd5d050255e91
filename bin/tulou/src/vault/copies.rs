//! Other places and other master keys.

use clap::Args;
use serde_json::json;
use tulou_client::Rpc;
use tulou_vault::{LocalMaster, Place, Suite, Unlock, Vault, VaultError};

use super::{
    entries,
    place::{Other, Which, nothing_done},
    shown,
};
use crate::output::{Failure, Outcome, say};

#[derive(Debug, Args)]
pub(crate) struct Rewrap {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    to: Other,
}

#[derive(Debug, Args)]
pub(crate) struct Sync {
    #[command(flatten)]
    which: Which,
    /// The other vault: a folder, or s3://bucket/prefix. It is made where there is none.
    #[arg(long)]
    to: String,
    #[command(flatten)]
    other: Other,
    /// The other member may keep the records and not read them.
    #[arg(long, conflicts_with_all = ["to_master_key", "to_passphrase", "to_key_command"])]
    to_keyless: bool,
    /// A node that shows the entries of erasures: without one none is carried.
    #[arg(long)]
    rpc: Option<String>,
}

pub(crate) fn rewrap(options: &Rewrap) -> Outcome {
    let missing = || {
        Failure::hint(
            "name the new master key: --to-master-key, --to-passphrase or --to-key-command",
            "nothing was changed",
        )
    };
    let place = options.which.place()?;
    let old = options.which.unlock(false)?;
    if let Some(file) = options.to.to_master_key.as_ref().filter(|file| !file.exists()) {
        LocalMaster::create_file(file)?;
        say(&format!("the new master key is {}: keep a copy elsewhere", file.display()))?;
    }
    let new = options.to.unlock(true)?.ok_or_else(missing)?;
    let done = Vault::rewrap(&place, &old, &new)?;
    let damaged: Vec<_> = done.damaged.iter().map(|(id, _)| *id).collect();
    let summary = json!({ "rewrapped": done.keys, "damaged": shown(&damaged) });
    say(&summary.to_string())?;
    match damaged.is_empty() {
        true => Ok(()),
        false => Err(Failure::hint(
            format!("{} keys were damaged before and open with neither", damaged.len()),
            "all others open with the new master key; take the damaged ones from a copy",
        )),
    }
}

pub(crate) fn sync(options: &Sync) -> Outcome {
    let place = Place { url: options.to.clone(), ..Place::default() };
    // A copy that is kept and not read gives records back as well.
    let from =
        if options.which.is_keyless() { options.which.look()? } else { options.which.open()? };
    let unlock = match options.other.unlock(false)? {
        Some(unlock) => unlock,
        None if options.to_keyless => Unlock::Blind,
        None => {
            return Err(Failure::hint(
                "say whether the other member may read: a master key of theirs, or --to-keyless",
                "nothing was copied",
            ));
        }
    };
    let to = Vault::open(&place, &unlock, Suite::default()).map_err(nothing_done)?;
    let rpc = options.rpc.as_deref().map(Rpc::new);
    let done = from.sync_to(&to, |erasure| match &rpc {
        None => Ok(false),
        Some(rpc) => entries::stands(rpc, erasure).map_err(|failure| VaultError::Store(failure.0)),
    })?;
    let refused: Vec<_> = done
        .refused
        .iter()
        .map(|refused| {
            json!({ "id": refused.id, "version": refused.version, "reason": refused.reason })
        })
        .collect();
    let summary = json!({
        "copied": done.copied, "mended": done.mended, "same": done.same, "keys": done.keys,
        "unreadable": done.unreadable, "erased": shown(&done.erased),
        "erased_there": shown(&done.erased_there), "unproven": shown(&done.unproven),
        "refused": refused,
    });
    say(&summary.to_string())?;
    if !done.unproven.is_empty() {
        return Err(Failure::hint(
            format!("{} erasures were not carried", done.unproven.len()),
            "name a node with --rpc; where the entry is missing, `tulou vault erase` sends it",
        ));
    }
    if !done.refused.is_empty() {
        return Err(Failure::hint(
            format!("{} records were not copied", done.refused.len()),
            "all others were; take those from another copy",
        ));
    }
    Ok(())
}
