//! `tulou consortium`: five members of Guihua Garden on this machine, each a process of its own, behind
//! one front door that shows who is there and lets you stop one.

mod door;
mod found;
mod members;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::Args;
use tulou_node::{Clock, Host, HostOptions, Readers, Settings};

use self::members::Members;
use crate::{
    demo,
    node::on_interrupt,
    output::{Failure, Outcome, say},
};

/// There only while the story is being told.
const UNFINISHED: &str = "seeding";
/// How often the door looks whether it should close.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder of all five members; made where it is missing.
    #[arg(long, default_value = ".tulou/consortium")]
    dir: PathBuf,
    /// Port of the front door on this machine; 0 takes a free one.
    #[arg(long, default_value_t = 8545)]
    port: u16,
    /// Forget what the folder holds and start over.
    #[arg(long)]
    fresh: bool,
    /// Who may read what is for members of the estate: `members` who have signed in, or `anyone`. Written into the
    /// five nodes' settings when they are founded; later starts go by those.
    #[arg(long, default_value_t = Readers::Members)]
    readers: Readers,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let begun = Instant::now();
    let stopped = on_interrupt()?;
    let unfinished = options.dir.join(UNFINISHED);
    if options.fresh || unfinished.exists() {
        // A first start that was cut off has told half a story: begin again.
        forget(&options.dir)?;
    }
    if !options.dir.join("consortium.toml").exists() {
        let marking = |e| Failure(format!("{}: {e}", unfinished.display()));
        fs::create_dir_all(&options.dir)
            .and_then(|()| fs::write(&unfinished, ""))
            .map_err(marking)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let story = demo::Story::ending_at(now);
        found::found(&options.dir, &story, options.readers)?;
        say("five members tell the story of Guihua Garden: register, votes, a year of money ...")?;
        tell(&options.dir, &story)?;
        fs::remove_file(&unfinished).map_err(marking)?;
    }
    let mut members = Members::start(&options.dir)?;
    members.wait_until_they_answer()?;
    let members = Arc::new(members);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let door = runtime.block_on(door::open(address, members.clone()))?;
    say(&format!("http://localhost:{}", door.port()))?;
    say(&format!("ready after {} s; Ctrl-C ends all five", begun.elapsed().as_secs()))?;
    while stopped.recv_timeout(LOOK_EVERY).is_err() {}
    runtime.shutdown_timeout(Duration::from_secs(1));
    members.stop_all();
    Ok(())
}

/// Tells the story with all five nodes in this process, because they share its clock.
fn tell(dir: &Path, story: &demo::Story) -> Outcome {
    let clock = Arc::new(Clock::starting_after(0));
    clock.stand_at(story.begin());
    let mut hosts = Vec::new();
    for folder in members::folders(dir)? {
        let settings = Settings::read(&folder)?;
        let options = HostOptions { clock: Some(clock.clone()), ..HostOptions::default() };
        hosts.push(Host::open(&folder, &settings, options)?);
    }
    let first = hosts.first().and_then(|host| host.nodes().next());
    let (_, node) = first.ok_or_else(|| Failure("the consortium has no members".into()))?;
    story.tell(node)?;
    // Whoever is a block behind catches up when it starts again.
    Ok(())
}

/// Removes what this command made in a folder, and nothing else.
fn forget(dir: &Path) -> Outcome {
    let failed = |path: &Path, e: std::io::Error| Failure(format!("{}: {e}", path.display()));
    if dir.join("consortium.toml").exists() || dir.join(UNFINISHED).exists() {
        for folder in members::folders(dir)? {
            fs::remove_dir_all(&folder).map_err(|e| failed(&folder, e))?;
        }
    }
    for name in ["consortium.toml", UNFINISHED] {
        let path = dir.join(name);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(&path, e)),
            _ => {}
        }
    }
    Ok(())
}
