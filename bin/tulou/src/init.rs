//! `tulou init`: founds a ledger that several organisations keep together.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use tulou_node::{
    Unlock,
    founding::{
        Card, Founded, FoundingError, Place, Plan, TEMPLATE, genesis_hash, mark, settle_in,
    },
};

use crate::{
    output::{Failure, Outcome, say},
    passphrase,
};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Option<Step>,
    #[command(flatten)]
    all: All,
}

/// One person makes the keys of all members.
#[derive(Debug, Args)]
pub(crate) struct All {
    /// The founding file; `tulou init template` writes one to begin with.
    #[arg(long, default_value = "consortium.toml")]
    from: PathBuf,
    /// Folder for one folder per member.
    #[arg(long, default_value = "nodes")]
    out: PathBuf,
    /// Keys as plain files, for trials and demonstrations only.
    #[arg(long)]
    plain_keys: bool,
}

#[derive(Debug, Subcommand)]
enum Step {
    /// Prints a founding file to begin with.
    Template,
    /// Makes one member's keys and its public card; nothing secret leaves the folder.
    Member {
        /// The founding file.
        #[arg(long, default_value = "consortium.toml")]
        from: PathBuf,
        /// Name of the member, as in the founding file.
        #[arg(long)]
        name: String,
        /// The member's node folder.
        #[arg(long)]
        out: PathBuf,
        /// Keys as plain files, for trials and demonstrations only.
        #[arg(long)]
        plain_keys: bool,
    },
    /// Founds the ledger from the file and everybody's cards; all members get the same first page.
    Assemble {
        /// The founding file.
        #[arg(long, default_value = "consortium.toml")]
        from: PathBuf,
        /// The card of a member; once for each.
        #[arg(long = "card", required = true)]
        cards: Vec<PathBuf>,
        /// The folder of `tulou init member`; any other folder only gets the first page.
        #[arg(long)]
        out: PathBuf,
    },
}

pub(crate) fn run(options: &Options) -> Outcome {
    match &options.command {
        None => all(&options.all.from, &options.all.out, options.all.plain_keys),
        Some(Step::Template) => say(TEMPLATE.trim_end()),
        Some(Step::Member { from, name, out, plain_keys }) => member(from, name, out, *plain_keys),
        Some(Step::Assemble { from, cards, out }) => assemble(from, cards, out),
    }
}

/// Makes all folders at once.
fn all(from: &Path, out: &Path, plain_keys: bool) -> Outcome {
    let mut plan = read_plan(from)?;
    if out.exists() && fs::read_dir(out)?.next().is_some() {
        return Err(Failure::hint(
            format!("{} is not empty", out.display()),
            "choose another folder; nothing was written",
        ));
    }
    let unlock = Unlock { passphrase: passphrase::for_new_keys(plain_keys)?, command: None };
    let mut places = Vec::new();
    for (i, member) in plan.members.clone().iter().enumerate() {
        let node = out.join(format!("{}-{}", i + 1, member.folder));
        let place = Place { node, ledger: plan.ledger.clone() };
        let card = place.new_member(member, plan.chain_id(), unlock.clone()).map_err(unfinished)?;
        plan.accept(&card)?;
        places.push(place);
    }
    let founded = found(&plan)?;
    for (rank, (member, place)) in plan.members.iter().zip(&places).enumerate() {
        settle_in(place, member, rank, &founded).map_err(unfinished)?;
    }
    let copy = out.join("consortium.toml");
    fs::copy(from, &copy).map_err(|e| Failure(format!("{}: {e}", copy.display())))?;
    announce(&plan, &founded)?;
    for (member, place) in plan.members.iter().zip(&places) {
        say(&format!("  {}: tulou node --dir {}", member.name, place.node.display()))?;
    }
    if plain_keys {
        say("The keys are plain files: good for a trial, never for an estate.")?;
    }
    say("Give each member its own folder and keep no copy: whoever has a folder has its keys.")
}

/// Makes one member's keys and card.
fn member(from: &Path, name: &str, out: &Path, plain_keys: bool) -> Outcome {
    let plan = read_plan(from)?;
    let member = plan.members.iter().find(|member| member.name == name).ok_or_else(|| {
        let names: Vec<&str> = plan.members.iter().map(|member| member.name.as_str()).collect();
        let what = format!("{name} is no member of {}", from.display());
        Failure::hint(what, &format!("its members are {}; nothing was written", names.join(", ")))
    })?;
    if member.address.is_none() {
        return Err(Failure::hint(
            format!("{name} has no address in {}", from.display()),
            "write where its node will be reached: address = \"host:port\"; nothing was written",
        ));
    }
    let unlock = Unlock { passphrase: passphrase::for_new_keys(plain_keys)?, command: None };
    let place = Place { node: out.to_owned(), ledger: plan.ledger.clone() };
    place.new_member(member, plan.chain_id(), unlock)?;
    say(&format!("The keys of {name} are in {}", place.dir().join("keys").display()))?;
    say(&format!("Send this card to the other members: {}", place.card().display()))
}

/// Founds from cards.
fn assemble(from: &Path, cards: &[PathBuf], out: &Path) -> Outcome {
    let mut plan = read_plan(from)?;
    let nothing = "nothing was written";
    for path in cards {
        let failed = |e: String| Failure::hint(format!("{}: {e}", path.display()), nothing);
        let text = fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
        let card = Card::read(&text).map_err(|e| failed(e.to_string()))?;
        plan.accept(&card).map_err(|e| failed(e.to_string()))?;
    }
    let founded = found(&plan)?;
    let place = Place { node: out.to_owned(), ledger: plan.ledger.clone() };
    let Ok(text) = fs::read_to_string(place.card()) else {
        // Somebody who only wants to know what is being founded.
        fs::create_dir_all(out)?;
        let path = out.join("genesis.json");
        fs::write(&path, serde_json::to_string_pretty(&founded.genesis)?)?;
        announce(&plan, &founded)?;
        return say(&format!("The first page is in {}", path.display()));
    };
    let own = Card::read(&text)?;
    let found = plan.members.iter().enumerate().find(|(_, m)| m.node == Some(own.node));
    let (rank, member) = found.ok_or_else(|| {
        let stranger = FoundingError::Stranger(place.dir().display().to_string());
        Failure::hint(stranger, "pass this member's own card with --card, too; nothing was written")
    })?;
    settle_in(&place, member, rank, &founded).map_err(|e| Failure::hint(e, nothing))?;
    announce(&plan, &founded)?;
    say(&format!("  {}: tulou node --dir {}", member.name, out.display()))
}

fn read_plan(path: &Path) -> Result<Plan, Failure> {
    let failed =
        |e: String| Failure::hint(format!("{}\n{e}", path.display()), "nothing was written");
    let text = fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
    let plan = Plan::read(&text).map_err(|problems| failed(problems.to_string()))?;
    for warning in &plan.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(plan)
}

fn found(plan: &Plan) -> Result<Founded, Failure> {
    let genesis = plan.genesis().map_err(|e| Failure::hint(e, "nothing was founded"))?;
    let hash = genesis_hash(&genesis).map_err(Failure)?;
    Ok(Founded { genesis, hash, readers: plan.readers })
}

fn announce(plan: &Plan, founded: &Founded) -> Outcome {
    say(&format!("Founded: {}, ledger {}", plan.estate(), plan.chain_id()))?;
    say(&format!("Mark     {}   (all members must see the same)", mark(founded.hash)))?;
    say(&format!("Genesis  {}", founded.hash))
}

fn unfinished(error: FoundingError) -> Failure {
    Failure::hint(error, "remove the folder and begin again; no ledger has started")
}
