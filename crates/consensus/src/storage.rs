//! What the engine keeps on disk, and how large its files and buffers are.

use std::{
    num::{NonZeroU16, NonZeroU64, NonZeroUsize},
    sync::Arc,
};

use commonware_consensus::{
    marshal::{self, Start, core::Floor, standard::Standard},
    simplex::types::Finalization,
    types::{FixedEpocher, ViewDelta},
};
use commonware_cryptography::{Digested, certificate::Verifier};
use commonware_parallel::Sequential;
use commonware_runtime::{
    Supervisor,
    buffer::paged::{CacheRef, page_size},
};
use commonware_storage::archive::{Error, immutable};
use commonware_utils::{NZU64, NZUsize};

use crate::{
    block::{ChainBlock, Digest},
    delivery::Marshal,
    engine::Context,
    schemes::{Scheme, Schemes},
};

/// Partition prefix of blocks, certificates and caches.
const PREFIX: &str = "chain";
/// Bytes read at a time when a journal is replayed at start.
pub(crate) const REPLAY_BUFFER: NonZeroUsize = NZUsize!(1024 * 1024);
/// Bytes gathered before a write.
pub(crate) const WRITE_BUFFER: NonZeroUsize = NZUsize!(256 * 1024);

/// Payload bytes of a page: with its checksum it fills 4 KiB of the file. Changing it destroys the
/// data of existing nodes.
const PAGE: NonZeroU16 = page_size(4096);
/// Pages of each cache, allocated at once.
const PAGES: NonZeroUsize = NZUsize!(512);
/// Heights per section of the archives, fixed for the life of the data.
const SECTION: NonZeroU64 = NZU64!(65_536);

/// Final blocks by height and hash.
type Blocks = immutable::Archive<Context, Digest, Arc<ChainBlock>>;
/// Certificates by height and hash.
type Certificates = immutable::Archive<Context, Digest, Finalization<Scheme, Digest>>;
/// Keeps blocks and certificates, fetches missing ones, and delivers final blocks in order.
type Archive = marshal::core::Actor<
    Context,
    Standard<ChainBlock>,
    Schemes,
    Certificates,
    Blocks,
    FixedEpocher,
    Sequential,
>;

/// A page cache of 2 MiB.
pub(crate) fn page_cache() -> CacheRef {
    CacheRef::new(PAGE, PAGES)
}

/// Partition of the votes this validator cast in `epoch`. Losing it while the epoch lasts can make
/// the validator sign twice.
pub(crate) fn votes(epoch: u64) -> String {
    format!("votes-{epoch}")
}

/// Opens the archive, or creates it in a new directory. Also tells how far the node had come.
pub(crate) async fn open(
    context: &Context,
    cache: &CacheRef,
    genesis: Digested<ChainBlock>,
    schemes: Schemes,
    epocher: FixedEpocher,
    max_block_bytes: usize,
) -> Result<(Archive, Marshal, Floor), Error> {
    let certificates = immutable::Archive::init(
        context.child("certificates"),
        archive("certificates", cache, Scheme::certificate_codec_config_unbounded()),
    )
    .await?;
    let blocks = immutable::Archive::init(
        context.child("blocks"),
        archive("blocks", cache, max_block_bytes),
    )
    .await?;
    let config = marshal::Config {
        provider: schemes,
        epocher,
        start: Start::Genesis(genesis),
        partition_prefix: PREFIX.into(),
        mailbox_size: NZUsize!(1024),
        view_retention: ViewDelta::new(256),
        prunable_items_per_section: NZU64!(4096),
        page_cache: cache.clone(),
        replay_buffer: REPLAY_BUFFER,
        key_write_buffer: WRITE_BUFFER,
        value_write_buffer: WRITE_BUFFER,
        block_codec_config: max_block_bytes,
        max_repair: NZUsize!(32),
        max_pending_acks: NZUsize!(16),
        strategy: Sequential,
    };
    Ok(Archive::init(context.child("marshal"), certificates, blocks, config).await)
}

fn archive<C>(name: &str, cache: &CacheRef, codec_config: C) -> immutable::Config<C> {
    let partition = |part: &str| format!("{PREFIX}-{name}-{part}");
    immutable::Config {
        metadata_partition: partition("metadata"),
        freezer_table_partition: partition("table"),
        freezer_table_initial_size: 4096,
        freezer_table_resize_frequency: 4,
        freezer_table_resize_chunk_size: 1024,
        freezer_key_partition: partition("keys"),
        freezer_key_page_cache: cache.clone(),
        freezer_value_partition: partition("values"),
        freezer_value_target_size: 1024 * 1024 * 1024,
        freezer_value_compression: None,
        ordinal_partition: partition("heights"),
        items_per_section: SECTION,
        freezer_key_write_buffer: WRITE_BUFFER,
        freezer_value_write_buffer: WRITE_BUFFER,
        ordinal_write_buffer: WRITE_BUFFER,
        replay_buffer: REPLAY_BUFFER,
        codec_config,
    }
}
