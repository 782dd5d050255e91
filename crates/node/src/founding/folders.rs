//! The folders that a founding leaves behind, one per node.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use alloy_primitives::B256;
use alloy_signer_local::PrivateKeySigner;
use rand::random;
use tulou_ledger::Ledger;
use tulou_primitives::{Genesis, NodeKind};
use tulou_rpc::Readers;

use super::{Card, CardError, PlannedMember, Problems, host_and_port};
use crate::{
    FolderError, NodeFolder,
    keys::{KeyError, Keys, Unlock},
    settings::SETTINGS,
};

/// Port of the web page and JSON-RPC where nothing else is said.
const RPC_PORT: u16 = 8545;

/// Why a folder was not made.
#[derive(Debug, thiserror::Error)]
pub enum FoundingError {
    /// The founding file.
    #[error(transparent)]
    Plan(#[from] Problems),
    /// A card.
    #[error(transparent)]
    Card(#[from] CardError),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A node's folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// There is a ledger in the folder already.
    #[error("{0} is there already: a ledger is founded once; choose another folder")]
    Exists(String),
    /// The keys in the folder are those of nobody in the genesis.
    #[error("the keys in {0} belong to no member of this founding")]
    Stranger(String),
    /// The disk said no.
    #[error("{path}: {source}")]
    Io {
        /// File or folder.
        path: String,
        /// What the disk said.
        source: io::Error,
    },
}

/// The three secrets of a member.
#[derive(Clone)]
pub struct MemberKeys {
    /// ed25519 seed of its node.
    pub validator: B256,
    /// Account that speaks for it.
    pub account: PrivateKeySigner,
    /// Account that sends due work and holds no office.
    pub keeper: PrivateKeySigner,
}

impl MemberKeys {
    /// New keys from the system's randomness.
    pub fn random() -> Self {
        Self {
            validator: B256::from(random::<[u8; 32]>()),
            account: PrivateKeySigner::random(),
            keeper: PrivateKeySigner::random(),
        }
    }

    /// New keys around an account that exists already.
    ///
    /// # Errors
    /// [`KeyError::NotAKey`].
    pub fn random_with_account(account: B256) -> Result<Self, KeyError> {
        let account = PrivateKeySigner::from_bytes(&account)
            .map_err(|_| KeyError::NotAKey { origin: "the account".into() })?;
        Ok(Self { account, ..Self::random() })
    }

    /// Keeps them in a folder.
    ///
    /// # Errors
    /// [`KeyError`]: one is there already, or the disk.
    pub fn keep(&self, keys: &Keys) -> Result<(), KeyError> {
        keys.keep("validator", self.validator)?;
        keys.keep("account", self.account.to_bytes())?;
        keys.keep("keeper", self.keeper.to_bytes())
    }
}

/// Where a ledger of a node lies.
#[derive(Clone, Debug)]
pub struct Place {
    /// The node's folder, which holds `node.toml`.
    pub node: PathBuf,
    /// Short name of the ledger.
    pub ledger: String,
}

impl Place {
    /// The ledger's folder.
    pub fn dir(&self) -> PathBuf {
        self.node.join("ledgers").join(&self.ledger)
    }

    /// Its keys.
    pub fn keys(&self, unlock: Unlock) -> Keys {
        Keys::new(self.dir().join("keys"), unlock)
    }

    /// The member's public card.
    pub fn card(&self) -> PathBuf {
        self.dir().join("card.toml")
    }

    /// Makes a member's keys and card.
    ///
    /// # Errors
    /// [`FoundingError::Key`], [`FoundingError::Card`], [`FoundingError::Io`].
    pub fn new_member(
        &self,
        member: &PlannedMember,
        chain_id: u64,
        unlock: Unlock,
    ) -> Result<Card, FoundingError> {
        self.enter(member, chain_id, &MemberKeys::random(), unlock)
    }

    /// Keeps a member's keys and makes its card.
    ///
    /// # Errors
    /// As [`Place::new_member`].
    pub fn enter(
        &self,
        member: &PlannedMember,
        chain_id: u64,
        keys: &MemberKeys,
        unlock: Unlock,
    ) -> Result<Card, FoundingError> {
        let address = member.address.as_deref().unwrap_or_default();
        let card = Card::make(&member.name, chain_id, address, keys.validator, &keys.account)?;
        keys.keep(&self.keys(unlock))?;
        let path = self.card();
        fs::write(&path, card.text()?).map_err(|e| io_error(&path, e))?;
        Ok(card)
    }
}

/// What was founded.
#[derive(Clone, Debug)]
pub struct Founded {
    /// The first page.
    pub genesis: Genesis,
    /// Hash of the first block: equal for all who founded the same ledger.
    pub hash: B256,
    /// Who may read rows of the class `scope` at the members' nodes.
    pub readers: Readers,
}

/// Hash of the block that a genesis begins with.
///
/// # Errors
/// In words: what the modules refuse.
pub fn genesis_hash(genesis: &Genesis) -> Result<B256, String> {
    let changes = tulou_evm::genesis_changes(genesis)?;
    Ok(tulou_evm::genesis_block(genesis, Ledger::genesis_root(&changes)).hash())
}

/// The public key of a node with this secret.
pub fn node_key(secret: B256) -> B256 {
    tulou_consensus::public_key(secret.0)
}

/// The short mark of a ledger, for people who compare two founding sheets by eye.
pub fn mark(genesis_hash: B256) -> String {
    let digits = alloy_primitives::hex::encode_upper(&genesis_hash[..8]);
    let groups: Vec<&str> = (0..4).map(|i| &digits[i * 4..i * 4 + 4]).collect();
    groups.join("-")
}

/// Gives a member's folder the genesis, the right to begin, and a `node.toml` where it has none.
///
/// # Errors
/// [`FoundingError::Exists`] where the folder has this ledger, [`FoundingError::Folder`],
/// [`FoundingError::Io`].
pub fn settle_in(
    place: &Place,
    member: &PlannedMember,
    rank: usize,
    founded: &Founded,
) -> Result<(), FoundingError> {
    let folder = NodeFolder::open(&place.dir())?;
    if folder.genesis()?.is_some() {
        return Err(FoundingError::Exists(place.dir().join("genesis.json").display().to_string()));
    }
    folder.allow_first_start(founded.hash)?;
    let path = place.node.join(SETTINGS);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            process_section(member, rank, founded.readers)
        }
        Err(e) => return Err(io_error(&path, e)),
    };
    let text = text + &ledger_section(place, member);
    fs::write(&path, text).map_err(|e| io_error(&path, e))?;
    // Last: a folder with a genesis is a whole one.
    folder.write_genesis(&founded.genesis)?;
    Ok(())
}

fn process_section(member: &PlannedMember, rank: usize, readers: Readers) -> String {
    let loopback = host_of(member).is_some_and(|(host, _)| is_loopback(host));
    // Members on one machine cannot share a port.
    let port = if loopback { RPC_PORT + u16::try_from(rank).unwrap_or_default() } else { RPC_PORT };
    let rpc = member.rpc.clone().unwrap_or_else(|| format!("127.0.0.1:{port}"));
    format!(
        "# What this process runs. docs/operating.md explains every line.\n\
         [node]\n\
         rpc = \"{rpc}\"          # people and programs; put a proxy with TLS before it\n\
         readers = \"{readers}\"           # who may read rows of the class scope: anyone, or members\n"
    )
}

fn ledger_section(place: &Place, member: &PlannedMember) -> String {
    let listen = match host_of(member) {
        Some((host, port)) => match host.parse() {
            Ok(ip) => SocketAddr::new(ip, port),
            Err(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        },
        None => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    };
    let role = match member.kind {
        NodeKind::Validator => "validator",
        NodeKind::Observer => "observer",
        NodeKind::Archive => "archive",
    };
    format!(
        "\n[[ledger]]\n\
         name = \"{name}\"\n\
         dir = \"ledgers/{name}\"\n\
         listen = \"{listen}\"       # the other nodes\n\
         role = \"{role}\"             # what is kept; who votes is decided on the ledger\n",
        name = place.ledger
    )
}

fn host_of(member: &PlannedMember) -> Option<(&str, u16)> {
    member.address.as_deref().and_then(host_and_port)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn io_error(path: &Path, source: io::Error) -> FoundingError {
    FoundingError::Io { path: path.display().to_string(), source }
}
