//! Four members on this machine, each with a folder and a process of its own.

use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256};
use serde_json::Value;
use tulou_client::Rpc;

pub(crate) const CHAIN_ID: u64 = 990_071;
pub(crate) const NAMES: [&str; 4] = ["housing", "street", "bank", "committee"];
/// Longest wait for anything; a busy machine is slow, a broken one never gets there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct World {
    pub(crate) dir: PathBuf,
    pub(crate) nodes: Vec<PathBuf>,
    rpc_ports: Vec<u16>,
    children: Vec<Option<Child>>,
}

/// Runs the program and waits for its end.
pub(crate) fn tulou(arguments: &[&str]) -> Output {
    Command::new(tulou_testing::program())
        .args(arguments)
        .env_remove("TULOU_PASSPHRASE_FILE")
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

/// As [`tulou`], and it must succeed. Returns what it said.
pub(crate) fn tulou_says(arguments: &[&str]) -> String {
    let output = tulou(arguments);
    let (said, log) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {said}{log}");
    said
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn shown(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Ports that nobody has now.
fn free_ports(count: usize) -> Vec<u16> {
    let listeners: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    listeners.iter().map(|l| l.local_addr().expect("bound").port()).collect()
}

/// Epochs of a minute where nobody sends, and the council's usual rules.
const USUAL: &str = "epoch_length = 50\nheartbeat_ms = 1000\npacks = [\"cn\"]\n";

/// A founding file of four members on this machine.
pub(crate) fn founding_file(ports: &[u16]) -> String {
    founding_file_with(ports, USUAL)
}

/// As [`founding_file`], with other rules.
fn founding_file_with(ports: &[u16], rules: &str) -> String {
    let mut file = format!(
        "estate = \"four\"\nledger = \"four\"\nchain_id = {CHAIN_ID}\n\
         founded = 2026-01-01T00:00:00+08:00\n{rules}"
    );
    for (i, name) in NAMES.iter().enumerate() {
        let (node, rpc) = (ports[i], ports[NAMES.len() + i]);
        file += &format!(
            "[[member]]\nname = \"{name}\"\naddress = \"127.0.0.1:{node}\"\n\
             rpc = \"127.0.0.1:{rpc}\"\n"
        );
    }
    file
}

impl World {
    /// Founds a ledger in a new folder. Nothing runs yet.
    pub(crate) fn founded(name: &str) -> Self {
        Self::founded_with(name, USUAL)
    }

    /// As [`World::founded`], with other rules.
    pub(crate) fn founded_with(name: &str, rules: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("tulou-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("a folder");
        let ports = free_ports(NAMES.len() * 2);
        let file = dir.join("consortium.toml");
        fs::write(&file, founding_file_with(&ports, rules)).expect("the founding file");
        let out = dir.join("nodes");
        let said =
            tulou_says(&["init", "--from", shown(&file), "--out", shown(&out), "--plain-keys"]);
        assert!(said.contains("Mark "), "{said}");
        let nodes = NAMES.iter().enumerate();
        let nodes = nodes.map(|(i, name)| out.join(format!("{}-{name}", i + 1))).collect();
        let rpc_ports = ports[NAMES.len()..].to_vec();
        Self { dir, nodes, rpc_ports, children: NAMES.iter().map(|_| None).collect() }
    }

    /// A new node of a member, with keys of its own, on new ports: what a rotation of keys begins with.
    /// Returns its place and the public key.
    pub(crate) fn add_node_of(&mut self, member: usize) -> (usize, B256) {
        let out = self.dir.join("nodes").join(format!("new-{}", NAMES[member]));
        let file = self.dir.join("consortium.toml");
        let init = ["init", "member", "--from", shown(&file), "--name", NAMES[member]];
        tulou_says(&[&init[..], &["--out", shown(&out), "--plain-keys"]].concat());
        let ports = free_ports(2);
        let old = self.nodes[member].clone();
        let settings = fs::read_to_string(old.join("node.toml")).expect("settings");
        // The ports of the running node stand in its settings and nowhere else.
        let mut settings: toml::Table = settings.parse().expect("TOML");
        settings["node"]["rpc"] = format!("127.0.0.1:{}", ports[1]).into();
        settings["ledger"][0]["listen"] = format!("127.0.0.1:{}", ports[0]).into();
        fs::write(out.join("node.toml"), settings.to_string()).expect("settings");
        let page = Path::new("ledgers/four/genesis.json");
        fs::copy(old.join(page), out.join(page)).expect("the first page");
        let card = fs::read_to_string(out.join("ledgers/four/card.toml")).expect("a card");
        let card: toml::Table = card.parse().expect("TOML");
        let key = card["node"].as_str().and_then(|key| key.parse().ok()).expect("a key");
        self.nodes.push(out);
        self.rpc_ports.push(ports[1]);
        self.children.push(None);
        (self.nodes.len() - 1, key)
    }

    /// The file with a member's account key.
    pub(crate) fn account_key(&self, i: usize) -> PathBuf {
        self.nodes[i].join("ledgers/four/keys/account.key")
    }

    /// A member's account, as the others see it.
    pub(crate) fn account_of(&self, member: usize) -> Address {
        let text = self.seen_by(0)["members"][member]["account"].clone();
        serde_json::from_value(text).expect("an account")
    }

    /// The key of a member's first node.
    pub(crate) fn key_of(&self, member: usize) -> B256 {
        let text = self.seen_by(0)["members"][member]["key"].clone();
        serde_json::from_value(text).expect("a key")
    }

    /// Where a node listens for the others.
    pub(crate) fn listen_of(&self, i: usize) -> String {
        let settings = fs::read_to_string(self.nodes[i].join("node.toml")).expect("settings");
        let settings: toml::Table = settings.parse().expect("TOML");
        settings["ledger"][0]["listen"].as_str().expect("an address").to_owned()
    }

    /// What people call a node.
    fn name(&self, i: usize) -> String {
        self.nodes[i].file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub(crate) fn rpc(&self, i: usize) -> Rpc {
        Rpc::new(&self.url(i))
    }

    pub(crate) fn url(&self, i: usize) -> String {
        format!("http://127.0.0.1:{}", self.rpc_ports[i])
    }

    /// Starts a member's process without waiting.
    pub(crate) fn spawn(&mut self, i: usize) {
        self.spawn_with(i, &[]);
    }

    /// As [`World::spawn`] with more arguments.
    pub(crate) fn spawn_with(&mut self, i: usize, arguments: &[&str]) {
        let log = self.nodes[i].join("log");
        let log = fs::OpenOptions::new().create(true).append(true).open(log).expect("a log");
        let child = Command::new(tulou_testing::program())
            .args(["node", "--dir"])
            .arg(&self.nodes[i])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        self.children[i] = Some(child);
    }

    pub(crate) fn start_all(&mut self) {
        (0..NAMES.len()).for_each(|i| self.spawn(i));
        (0..NAMES.len()).for_each(|i| self.wait_until_it_answers(i));
    }

    pub(crate) fn wait_until_it_answers(&self, i: usize) {
        eventually(&format!("{} answers", self.name(i)), || self.rpc(i).block_number().ok());
    }

    /// What a member has logged so far.
    pub(crate) fn log(&self, i: usize) -> String {
        fs::read_to_string(self.nodes[i].join("log")).unwrap_or_default()
    }

    /// Ends a process as a power cut would.
    pub(crate) fn kill(&mut self, i: usize) {
        if let Some(mut child) = self.children[i].take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// What a member says of the consortium.
    pub(crate) fn seen_by(&self, i: usize) -> Value {
        self.rpc(i).get("/api/v1/node/consortium").expect("the node answers")
    }

    /// States of all members as one of them sees them.
    pub(crate) fn states(&self, i: usize) -> Vec<String> {
        let seen = self.seen_by(i);
        let members = seen["members"].as_array().expect("members");
        members.iter().map(|m| m["state"].as_str().expect("a state").to_owned()).collect()
    }

    /// The blocks of a height at some members, which must be one and the same.
    pub(crate) fn agree(&self, members: &[usize], height: u64) {
        let block = |i: &usize| {
            let what = format!("block {height} at {}", self.name(*i));
            let block = eventually(&what, || {
                let at = serde_json::json!([format!("{height:#x}"), false]);
                self.rpc(*i).call("eth_getBlockByNumber", at).ok().filter(|b| !b.is_null())
            });
            (block["hash"].to_string(), block["stateRoot"].to_string())
        };
        let blocks: BTreeSet<_> = members.iter().map(block).collect();
        assert_eq!(blocks.len(), 1, "a fork at {height}: {blocks:?}");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        (0..self.nodes.len()).for_each(|i| self.kill(i));
        if thread::panicking() {
            for i in 0..self.nodes.len() {
                let (name, log) = (self.name(i), self.log(i));
                let tail: Vec<&str> = log.lines().rev().take(15).collect();
                eprintln!("--- {name}\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
            }
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Waits until something is there.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(100));
    }
}
