//! `tulou import register`: an estate's CSV files onto the ledger, all of it or nothing.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tulou_client::{Rpc, register};
use tulou_modules::address;

use crate::{
    call::signing_key,
    output::{Failure, Outcome, say},
    vault::{Which, keep_people},
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder with units.csv, owners.csv and holdings.csv.
    folder: PathBuf,
    /// The node.
    #[arg(long, default_value = "http://localhost:8545")]
    rpc: String,
    /// File with the registrar's key, plain or encrypted as for `tulou call`; on a dev chain account 0 of the test mnemonic is used without it.
    #[arg(long)]
    key: Option<PathBuf>,
    /// Encrypted file for names and phones; its key is written beside it as `<file>.key`. With --vault each
    /// owner is a record of the vault instead, which can be erased alone.
    #[arg(long, default_value = "people.tulou", conflicts_with_all = ["vault", "dir"])]
    people: PathBuf,
    #[command(flatten)]
    vault: Which,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let nothing = "nothing was imported; mend the file and try again";
    let register = register::read_folder(&options.folder).map_err(|e| Failure::hint(e, nothing))?;
    let key = signing_key(options.key.as_ref())?;
    let rpc = Rpc::new(&options.rpc).for_account(&key);
    let before = rpc.get("/api/v1/registry/units?of_building=0&limit=1")?;
    if before["items"].as_array().is_some_and(|items| !items.is_empty()) {
        return Err(Failure::hint(
            "the ledger has a register already",
            "nothing was imported; changes go through `tulou call registry.transfer` and `registry.correct_unit`",
        ));
    }
    // Before anything is sent: commitments without their salts would be worthless for ever.
    match options.vault.is_named() {
        true => keep_people(&options.vault, &register)?,
        false => register::write_people(&register, &options.people).map_err(|e| {
            Failure::hint(format!("{}: {e}", options.people.display()), "nothing was imported")
        })?,
    }
    for (sent, call) in register.calls(1).into_iter().enumerate() {
        rpc.transact(&key, address::registry, call).map_err(|e| {
            Failure::hint(
                e,
                &format!("{sent} parts of the register are on the ledger, the rest is not"),
            )
        })?;
    }
    let totals = rpc.get("/api/v1/registry/totals")?;
    let summary = json!({
        "units": totals["units"], "area_m2": totals["area_m2"],
        "heads": totals["heads"], "places": totals["places"],
    });
    say(&summary.to_string())
}
