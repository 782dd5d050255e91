//! What the engine keeps on disk, and how large its files and buffers are.

use std::num::{NonZeroU16, NonZeroU64, NonZeroUsize};

use commonware_consensus::simplex::types::Finalization;
use commonware_cryptography::certificate::Verifier;
use commonware_runtime::{
    Supervisor,
    buffer::paged::{CacheRef, page_size},
};
use commonware_storage::archive::{Error, immutable};
use commonware_utils::{NZU64, NZUsize};

use crate::{
    block::{ChainBlock, Digest},
    engine::Context,
    schemes::Scheme,
};

/// Partition prefix of blocks, certificates and caches.
pub(crate) const PREFIX: &str = "chain";
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
pub(crate) type Blocks =
    immutable::Archive<Context, Digest, <commonware_consensus::marshal::standard::Standard<ChainBlock> as commonware_consensus::marshal::core::Variant>::StoredBlock>;
/// Certificates by height and hash.
pub(crate) type Certificates = immutable::Archive<Context, Digest, Finalization<Scheme, Digest>>;

/// A page cache of 2 MiB.
pub(crate) fn page_cache() -> CacheRef {
    CacheRef::new(PAGE, PAGES)
}

/// Partition of the votes this validator cast in `epoch`. Losing it while the epoch lasts can make
/// the validator sign twice.
pub(crate) fn votes(epoch: u64) -> String {
    format!("votes-{epoch}")
}

/// Opens both archives, and creates them in a new directory.
pub(crate) async fn open(
    context: &Context,
    cache: &CacheRef,
    max_block_bytes: usize,
) -> Result<(Certificates, Blocks), Error> {
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
    Ok((certificates, blocks))
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
