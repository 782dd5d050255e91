//! Authenticated connections between the validators, and the channels over them.

use std::{net::SocketAddr, num::NonZeroUsize, time::Duration};

use alloy_primitives::B256;
use commonware_broadcast::buffered;
use commonware_consensus::{
    marshal::{
        self,
        resolver::{handler, p2p},
        standard::Standard,
    },
    simplex,
};
use commonware_cryptography::{
    ChaCha20Poly1305, Signer,
    ed25519::{PrivateKey, PublicKey},
};
use commonware_p2p::{
    Address, AddressableManager,
    authenticated::lookup::{self, Config},
    max_message_size,
    utils::mux::prefixed,
};
use commonware_parallel::Sequential;
use commonware_runtime::{Quota, Supervisor};
use commonware_stream::{
    cups::{self, Cups},
    sake::{self, Sake},
};
use commonware_utils::{NZDuration, NZU32, NZUsize, ordered::Map};

use crate::{
    block::{ChainBlock, Digest},
    engine::Context,
    schemes::{MAX_VALIDATORS, Scheme, decode_key},
};

/// Messages a second and peer on the channels that carry votes and certificates: four per block at
/// a hundred blocks a second. Every unit costs memory on every node, because the queues hold one
/// second of every peer's traffic.
const VOTES: Quota = Quota::per_second(NZU32!(512));
/// Messages a second and peer on the channels that carry blocks and requests.
const BLOCKS: Quota = Quota::per_second(NZU32!(128));
/// Queue of each internal actor of the network.
const MAILBOX: NonZeroUsize = NZUsize!(256);

type Handshake = Cups<Sake<PrivateKey>, ChaCha20Poly1305>;

/// Knows the peers and shuts out those that misbehave.
pub(crate) type Oracle = lookup::Oracle<PublicKey>;
/// Sends on one channel.
pub(crate) type Sender = lookup::Sender<PublicKey, Context>;
/// Receives on one channel.
pub(crate) type Receiver = lookup::Receiver<PublicKey>;
/// The network before its start.
pub(crate) type Network = lookup::Network<Context, Handshake>;

/// Sends and receives new blocks.
pub(crate) type Broadcast = buffered::Engine<Context, PublicKey, ChainBlock, Oracle, Sequential>;

/// One channel for each kind of traffic. The first three carry each epoch apart.
pub(crate) struct Channels {
    pub(crate) votes: (Sender, Receiver),
    pub(crate) certificates: (Sender, Receiver),
    pub(crate) resolver: (Sender, Receiver),
    pub(crate) backfill: (Sender, Receiver),
    pub(crate) broadcast: (Sender, Receiver),
}

/// Prepares the network. `peers` must include ourselves.
pub(crate) fn init(
    context: &Context,
    key: &PrivateKey,
    namespace: &[u8],
    listen: SocketAddr,
    peers: &Map<PublicKey, Address>,
    max_block_bytes: usize,
) -> (Network, Oracle, Channels) {
    // The set never changes while the engine runs, so room for exactly this one is enough. Queues
    // are sized by it: a lone validator needs almost none.
    let max_peers = NonZeroUsize::new(peers.len()).unwrap_or(NonZeroUsize::MIN);
    let handshake = Cups::<_, ChaCha20Poly1305>::new(
        Sake {
            signer: key.clone(),
            synchrony_bound: Duration::from_secs(5),
            max_handshake_age: Duration::from_secs(10),
            version: sake::Version::V1,
        },
        cups::Version::V1,
    );
    let max_message = max_message_size(&[
        prefixed(simplex::max_payload_size::<Scheme, Digest>(MAX_VALIDATORS)),
        marshal::max_payload_size::<Standard<ChainBlock>, Scheme>(MAX_VALIDATORS, &max_block_bytes),
    ]);
    let config = Config {
        // Validators of a consortium often share a site, and a test runs them on one machine.
        allow_private_ips: true,
        tracked_peer_sets: NonZeroUsize::MIN,
        // A restarted validator is back within seconds; the library's default is a minute.
        peer_connection_cooldown: Duration::from_secs(1),
        dial_frequency: Duration::from_millis(500),
        allowed_handshake_rate_per_ip: Quota::per_second(NZU32!(16)),
        ping_frequency: Duration::from_secs(15),
        block_duration: Duration::from_secs(3600),
        ..Config::recommended(handshake, namespace, listen, max_peers, max_message, MAILBOX)
    };
    let (mut network, mut oracle) = lookup::Network::new(context.child("network"), config);
    oracle.track(0, peers.clone());
    let channels = Channels {
        votes: network.register(0, VOTES),
        certificates: network.register(1, VOTES),
        resolver: network.register(2, BLOCKS),
        backfill: network.register(3, BLOCKS),
        broadcast: network.register(4, BLOCKS),
    };
    (network, oracle, channels)
}

/// Fetches what the archive misses from peers.
pub(crate) fn backfill(
    context: &Context,
    me: &PublicKey,
    oracle: &Oracle,
    channel: (Sender, Receiver),
) -> (handler::Receiver<Digest>, p2p::Mailbox<Digest, PublicKey>) {
    let config = p2p::Config {
        public_key: me.clone(),
        peer_provider: oracle.clone(),
        blocker: oracle.clone(),
        mailbox_size: MAILBOX,
        fetch_timeout: NZDuration!(Duration::from_secs(2)),
        fetch_retry_delay: Duration::from_millis(100),
        priority_requests: false,
        priority_responses: false,
    };
    p2p::init(context.child("backfill"), config, channel)
}

/// Sends new blocks to all peers and keeps the last few of each.
pub(crate) fn broadcast(
    context: &Context,
    me: &PublicKey,
    oracle: &Oracle,
    max_block_bytes: usize,
) -> (Broadcast, buffered::Mailbox<PublicKey, ChainBlock>) {
    let config = buffered::Config {
        public_key: me.clone(),
        mailbox_size: MAILBOX,
        deque_size: 10,
        priority: true,
        codec_config: max_block_bytes,
        peer_provider: oracle.clone(),
        strategy: Sequential,
    };
    buffered::Engine::new(context.child("broadcast"), config)
}

/// The peers with ourselves at `listen`.
///
/// # Errors
/// A sentence: a key that is no point of the curve; a key twice.
pub(crate) fn peer_map(
    peers: &[(B256, SocketAddr)],
    key: &PrivateKey,
    listen: SocketAddr,
) -> Result<Map<PublicKey, Address>, String> {
    let me = key.public_key();
    let mut entries = vec![(me.clone(), Address::Symmetric(listen))];
    for (peer, address) in peers {
        let peer_key =
            decode_key(peer).ok_or_else(|| format!("peer {peer} is not an Ed25519 key"))?;
        if peer_key != me {
            entries.push((peer_key, Address::Symmetric(*address)));
        }
    }
    Map::try_from(entries).map_err(|_| "a peer is named twice".into())
}
