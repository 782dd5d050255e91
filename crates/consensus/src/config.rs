//! What an engine needs to know, and whether it makes sense.

use std::{
    net::{SocketAddr, TcpListener},
    num::NonZeroU64,
    path::PathBuf,
};

use alloy_primitives::{B256, Bytes};
use commonware_codec::{Copying, Decode};
use commonware_consensus::simplex::types::Finalization;
use commonware_cryptography::{
    certificate::Verifier,
    ed25519::{PrivateKey, PublicKey},
};
use commonware_p2p::Address;
use commonware_utils::ordered::Map;
use tulou_primitives::Block;

use crate::{
    Application, Finality,
    block::{ChainBlock, Digest, digest},
    engine::private_key,
    namespace, network,
    schemes::Scheme,
};

/// A good [`EngineConfig::max_peers`] for a consortium of up to twenty members with a few observers.
pub const MAX_PEERS: usize = 24;

/// What an engine needs to know.
#[derive(Clone)]
pub struct EngineConfig {
    /// Directory of the engine alone, created if missing. It holds the blocks, the certificates and
    /// the votes this validator cast; it must never be copied to a second running validator.
    pub dir: PathBuf,
    /// Seed of the validator's Ed25519 key, which signs votes and authenticates connections.
    pub key: [u8; 32],
    /// Address for connections from other validators. Port 0 only for a lone validator.
    pub listen: SocketAddr,
    /// All validators and followers with their addresses; our own entry is ignored. Connections are
    /// accepted only from these IP addresses. A validator that joins later must be here, or in
    /// [`crate::EngineHandle::set_peers`], before its epoch. Empty for a lone validator.
    pub peers: Vec<(B256, SocketAddr)>,
    /// The most peers there will ever be, ourselves not counted. It sizes the queues, and therefore
    /// the memory: see the README. [`MAX_PEERS`] suits most; 0 for a lone validator.
    pub max_peers: usize,
    /// Chain id, part of what votes are bound to.
    pub chain_id: u64,
    /// Hash of the genesis block, part of what votes are bound to.
    pub genesis_hash: B256,
    /// Blocks per epoch, at least 2. Epoch `e` holds the heights `e * epoch_length` to
    /// `(e + 1) * epoch_length - 1`. Fixed for the life of the chain.
    pub epoch_length: u64,
    /// Longest time in milliseconds that a proposal is held back for want of transactions. The same
    /// on all validators.
    pub heartbeat_ms: u64,
    /// Largest encoded block in bytes. The same on all validators; it may never shrink.
    pub max_block_bytes: usize,
    /// Set after the journal of votes was lost, to the second of the loss: this validator then signs
    /// only in epochs whose previous epoch's last block is younger, because it may have signed
    /// already in the epoch that was running. Epoch 0 counts as begun at the timestamp of genesis.
    /// `None` signs at once.
    pub vote_after: Option<u64>,
    /// Starts from a snapshot instead of genesis. Read in a new folder only: an engine that has come
    /// further goes on from where it is.
    pub floor: Option<EngineFloor>,
    /// Final blocks below the newest that stay in the engine's archive; at least the running epoch
    /// and the one before stay, and blocks leave in sections. `None` keeps all.
    pub keep_blocks: Option<u64>,
    /// Threads that run the engine, at least 1, each with up to four more for the disk. 2 suits a busy
    /// ledger, 1 one of many in a process.
    pub threads: usize,
}

/// A final block to start from.
#[derive(Clone, Debug)]
pub struct EngineFloor {
    /// The block. The node's state must be that after this block, or later.
    pub block: Block,
    /// [`Finality::encoded`] of exactly this block.
    pub certificate: Bytes,
    /// Hash of the last block of the epoch before; of genesis in epoch 0.
    pub epoch_parent: B256,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A value in the configuration is impossible.
    #[error("consensus configuration: {0}")]
    Config(String),
    /// The node's genesis block is not the configured one.
    #[error("the genesis block is {found}, the configuration says {expected}")]
    Genesis {
        /// Hash in the configuration.
        expected: B256,
        /// Hash of the node's genesis block.
        found: B256,
    },
    /// The snapshot does not prove what it says, or does not fit the node's state.
    #[error("cannot start from the snapshot at height {height}: {reason}")]
    Floor {
        /// Height of its block.
        height: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The address for connections is not available.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The directory or the thread could not be made.
    #[error("cannot start the consensus engine: {0}")]
    Io(#[from] std::io::Error),
}

/// A checked snapshot.
#[derive(Clone)]
pub(crate) struct Floor {
    pub(crate) block: Block,
    pub(crate) finalization: Finalization<Scheme, Digest>,
    pub(crate) epoch: u64,
    pub(crate) epoch_parent: Digest,
}

/// A checked configuration.
#[derive(Clone)]
pub struct Setup {
    pub(crate) config: EngineConfig,
    pub(crate) key: PrivateKey,
    pub(crate) peers: Map<PublicKey, Address>,
    pub(crate) epoch_length: NonZeroU64,
    pub(crate) floor: Option<Floor>,
}

impl Setup {
    /// Checks everything that can be checked without the disk and the network.
    ///
    /// # Errors
    /// In this order: [`EngineError::Config`], [`EngineError::Genesis`], [`EngineError::Config`] for
    /// the genesis block, [`EngineError::Floor`].
    pub fn new(config: EngineConfig, app: &dyn Application) -> Result<Self, EngineError> {
        let epoch_length =
            NonZeroU64::new(config.epoch_length)
                .filter(|length| length.get() > 1)
                .ok_or_else(|| EngineError::Config("an epoch has at least two blocks".into()))?;
        if config.max_block_bytes == 0 || u32::try_from(config.max_block_bytes).is_err() {
            return Err(EngineError::Config("max_block_bytes is out of range".into()));
        }
        if config.threads == 0 {
            return Err(EngineError::Config("the engine needs at least one thread".into()));
        }
        let key = private_key(config.key);
        let peers =
            network::peer_map(&config.peers, &key, config.listen).map_err(EngineError::Config)?;
        if peers.len() > config.max_peers.saturating_add(1) {
            let (named, limit) = (peers.len() - 1, config.max_peers);
            return Err(EngineError::Config(format!("{named} peers, max_peers is {limit}")));
        }
        let genesis = app.genesis();
        let (expected, found) = (config.genesis_hash, genesis.hash());
        if expected != found {
            return Err(EngineError::Genesis { expected, found });
        }
        if genesis.height() != 0 {
            return Err(EngineError::Config("the genesis block has a height".into()));
        }
        ChainBlock::checked(genesis, config.max_block_bytes)
            .map_err(|error| EngineError::Config(format!("the genesis block: {error}")))?;
        let floor = config.floor.as_ref().map(|floor| check_floor(floor, &config, app));
        let floor = floor.transpose()?;
        Ok(Self { config, key, peers, epoch_length, floor })
    }

    /// The network would panic on its own thread if it could not listen; here the operator gets the
    /// reason.
    ///
    /// # Errors
    /// [`EngineError::Listen`].
    pub(crate) fn check_address(&self) -> Result<(), EngineError> {
        let address = self.config.listen;
        TcpListener::bind(address)
            .map(|_| ())
            .map_err(|source| EngineError::Listen { address, source })
    }
}

/// Checks that a quorum of the committee the node knows made the block of a snapshot final, and that
/// the node's state has come that far.
fn check_floor(
    floor: &EngineFloor,
    config: &EngineConfig,
    app: &dyn Application,
) -> Result<Floor, EngineError> {
    let height = floor.block.height();
    let refuse = |reason: String| EngineError::Floor { height, reason };
    if height == 0 {
        return Err(refuse("it is the genesis block".into()));
    }
    ChainBlock::checked(floor.block.clone(), config.max_block_bytes)
        .map_err(|error| refuse(error.to_string()))?;
    let finality =
        Finality::decode(&floor.certificate).map_err(|error| refuse(error.to_string()))?;
    if finality.digest != floor.block.hash() {
        return Err(refuse("the certificate is of another block".into()));
    }
    let epoch = height / config.epoch_length;
    if finality.epoch != epoch {
        return Err(refuse(format!("the certificate is of epoch {}", finality.epoch)));
    }
    finality
        .verify(&namespace(config.chain_id, config.genesis_hash), &app.validators(epoch))
        .map_err(|error| refuse(error.to_string()))?;
    if let Some(held) = app.height().filter(|held| *held < height) {
        return Err(refuse(format!("the node's state is that of height {held}")));
    }
    let finalization = Finalization::decode_cfg(
        Copying(&floor.certificate),
        &Scheme::certificate_codec_config_unbounded(),
    )
    .map_err(|error| refuse(error.to_string()))?;
    let epoch_parent = digest(floor.epoch_parent);
    Ok(Floor { block: floor.block.clone(), finalization, epoch, epoch_parent })
}
