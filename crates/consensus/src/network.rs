//! Authenticated connections between the validators, and the channels over them.

use std::{collections::BTreeMap, net::SocketAddr, num::NonZeroUsize, time::Duration};

use alloy_primitives::B256;
use commonware_consensus::{
    marshal::{self, standard::Standard},
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
use commonware_runtime::{Quota, Supervisor, tokio as runtime};
use commonware_stream::{
    cups::{self, Cups},
    sake::{self, Sake},
};
use commonware_utils::{NZU32, NZUsize, ordered::Map};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::{
    block::{ChainBlock, Digest},
    gossip,
    platform::{Channels, Parts, Platform},
    schemes::{MAX_VALIDATORS, Scheme, decode_key},
};

/// Messages a second and peer on the channels that carry votes and certificates: four per block at
/// a hundred blocks a second. At once only those of sixteen blocks: the queues hold one burst of every
/// peer that may ever be there, and every place in them costs memory on every node of every ledger.
const VOTES: Quota = Quota::per_second(NZU32!(512)).allow_burst(NZU32!(64));
/// Messages a second and peer on the channels that carry new blocks and requests for certificates.
const BLOCKS: Quota = Quota::per_second(NZU32!(128)).allow_burst(NZU32!(32));
/// The same for missing blocks. A burst is twice what the archive asks for at once: an answer above the
/// quota would be dropped, and costs two seconds until it is asked for again.
const BACKFILL: Quota = Quota::per_second(NZU32!(128)).allow_burst(NZU32!(64));
/// The same for messages of the node, which `gossip` paces.
const GOSSIP: Quota = Quota::per_second(gossip::QUOTA).allow_burst(gossip::BURST);
/// Queue of each internal actor of the network.
const MAILBOX: NonZeroUsize = NZUsize!(256);

/// How far ahead of ours the clock of a peer may be. Certificates do not depend on clocks, and a
/// member whose clock has drifted by half a minute is better told so by the others than shut out:
/// shut out, it would look like a stopped one. A recorded handshake is of no use to anyone within
/// this time, because it is answered with fresh keys.
const CLOCK_AHEAD: Duration = Duration::from_secs(60);
/// How old the first message of a handshake may look: a clock behind ours, and the way of the message.
const CLOCK_BEHIND: Duration = Duration::from_secs(70);

type Handshake = Cups<Sake<PrivateKey>, ChaCha20Poly1305>;
type Context = runtime::Context;
type Network = lookup::Network<Context, Handshake>;

/// Knows the peers and shuts out those that misbehave.
type Oracle = lookup::Oracle<PublicKey>;

/// The real node: tokio and authenticated connections.
pub(crate) struct Authenticated;

impl Platform for Authenticated {
    type Context = Context;
    type Sender = lookup::Sender<PublicKey, Context>;
    type Receiver = lookup::Receiver<PublicKey>;
    type Peers = Oracle;
    type Blocker = Oracle;
}

/// Largest message of any channel in bytes.
fn max_message(max_block_bytes: usize) -> u32 {
    max_message_size(&[
        prefixed(simplex::max_payload_size::<Scheme, Digest>(MAX_VALIDATORS)),
        marshal::max_payload_size::<Standard<ChainBlock>, Scheme>(MAX_VALIDATORS, &max_block_bytes),
        gossip::GOSSIP_BYTES_MAX,
    ])
}

/// What the network needs to know.
pub(crate) struct Peering<'a> {
    pub(crate) key: &'a PrivateKey,
    pub(crate) namespace: &'a [u8],
    pub(crate) listen: SocketAddr,
    /// With ourselves.
    pub(crate) peers: &'a Map<PublicKey, Address>,
    /// Ourselves not counted.
    pub(crate) max_peers: usize,
    pub(crate) max_block_bytes: usize,
}

/// The network, not yet started, with its channels.
pub(crate) fn parts(context: &Context, peering: &Peering<'_>) -> Parts<Authenticated> {
    let handshake = Cups::<_, ChaCha20Poly1305>::new(
        Sake {
            signer: peering.key.clone(),
            synchrony_bound: CLOCK_AHEAD,
            max_handshake_age: CLOCK_BEHIND,
            version: sake::Version::V1,
        },
        cups::Version::V1,
    );
    let max_peers = NonZeroUsize::MIN.saturating_add(peering.max_peers);
    let max_message = max_message(peering.max_block_bytes);
    let (namespace, listen) = (peering.namespace, peering.listen);
    let config = Config {
        // Validators of a consortium often share a site, and a test runs them on one machine.
        allow_private_ips: true,
        // Only the newest set counts: who is not in it is disconnected.
        tracked_peer_sets: NonZeroUsize::MIN,
        // A restarted validator is back within seconds; the library's default is a minute.
        peer_connection_cooldown: Duration::from_secs(1),
        dial_frequency: Duration::from_millis(500),
        allowed_handshake_rate_per_ip: Quota::per_second(NZU32!(16)),
        ping_frequency: Duration::from_secs(15),
        block_duration: Duration::from_secs(3600),
        ..Config::recommended(handshake, namespace, listen, max_peers, max_message, MAILBOX)
    };
    let (mut network, mut oracle): (Network, Oracle) =
        lookup::Network::new(context.child("network"), config);
    oracle.track(0, peering.peers.clone());
    let channels = Channels {
        votes: network.register(0, VOTES),
        certificates: network.register(1, VOTES),
        resolver: network.register(2, BLOCKS),
        backfill: network.register(3, BACKFILL),
        broadcast: network.register(4, BLOCKS),
        gossip: network.register(5, GOSSIP),
    };
    Parts {
        channels,
        peers: oracle.clone(),
        blocker: oracle,
        network: Some(Box::new(|| network.start())),
        partitions: String::new(),
    }
}

/// Lets the peers of `wanted` in, and no others, whenever they change. A peer with a new address is
/// connected anew.
pub(crate) async fn follow_peers(
    mut oracle: Oracle,
    mut wanted: watch::Receiver<Map<PublicKey, Address>>,
) {
    let mut set = 0;
    while wanted.changed().await.is_ok() {
        let peers = wanted.borrow_and_update().clone();
        set += 1;
        info!(peers = peers.len() - 1, set, "the list of peers has changed");
        oracle.track(set, peers);
    }
}

/// Those of `peers` that can be connected to, with ourselves at `listen`: at most `max_peers`, each
/// once, the first of each. Says of the others that it leaves them out.
pub(crate) fn usable_peers(
    peers: &[(B256, SocketAddr)],
    key: &PrivateKey,
    listen: SocketAddr,
    max_peers: usize,
) -> Map<PublicKey, Address> {
    let me = key.public_key();
    let mut usable = BTreeMap::from([(me.clone(), Address::Symmetric(listen))]);
    for (peer, address) in peers {
        match decode_key(peer) {
            Some(key) if key == me || usable.contains_key(&key) => {}
            Some(key) if usable.len() <= max_peers => {
                usable.insert(key, Address::Symmetric(*address));
            }
            Some(_) => warn!(%peer, max_peers, "more peers than there is room for: left out"),
            None => warn!(%peer, "the key of a peer is not an Ed25519 key: left out"),
        }
    }
    Map::from_iter_dedup(usable)
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
