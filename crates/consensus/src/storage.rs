//! What the engine keeps on disk, and how large its files and buffers are.

use std::{
    num::{NonZeroU16, NonZeroU64, NonZeroUsize},
    sync::Arc,
};

use commonware_consensus::{
    marshal::{self, Start, core::Floor as Progress, standard::Standard, store::Blocks as _},
    simplex::types::Finalization,
    types::{FixedEpocher, ViewDelta},
};
use commonware_cryptography::{Digestible, certificate::Verifier};
use commonware_parallel::Sequential;
use commonware_runtime::{
    Error as DiskError, Storage, Supervisor,
    buffer::paged::{CacheRef, page_size},
};
use commonware_storage::{
    archive::{Error, immutable, prunable},
    metadata::{self, Metadata},
    translator::EightCap,
};
use commonware_utils::{NZU64, NZUsize, sequence::U64};
use tracing::info;

use crate::{
    archive::{ArchiveReport, Expected},
    block::{ChainBlock, Digest},
    config::Floor,
    delivery::Marshal,
    platform::Platform,
    schemes::{Scheme, Schemes},
    store::{Damage, Kept, Store},
};

/// Partition prefix of blocks, certificates and caches.
const PREFIX: &str = "chain";
/// Bytes read at a time when a journal is replayed at start.
pub(crate) const REPLAY_BUFFER: NonZeroUsize = NZUsize!(1024 * 1024);
/// Bytes gathered before a write.
pub(crate) const WRITE_BUFFER: NonZeroUsize = NZUsize!(64 * 1024);
/// Places in the queue of an actor, allocated at once. What does not fit waits in a list that grows.
pub(crate) const QUEUE: NonZeroUsize = NZUsize!(128);

/// Payload bytes of a page: with its checksum it fills 4 KiB of the file. Changing it destroys the
/// data of existing nodes.
const PAGE: NonZeroU16 = page_size(4096);
/// Pages of each cache, allocated at once. What is older is in the system's cache, and rarely asked for.
const PAGES: NonZeroUsize = NZUsize!(64);
/// Heights per section of a whole archive, fixed for the life of the data.
const SECTION: NonZeroU64 = NZU64!(65_536);
/// Bounds of the heights per section of a window, which are removed together. Each section has four
/// open files.
const WINDOW_SECTION: std::ops::RangeInclusive<u64> = 16..=4096;
/// Sections a window is cut into, within these bounds.
const WINDOW_SECTIONS: u64 = 16;

/// Key of the heights per section of a window, in the layout.
const SECTION_KEY: u64 = 0;
/// Key of the snapshot the node started from, in the layout.
const FLOOR_KEY: u64 = 1;

type Context<P> = <P as Platform>::Context;
/// Final blocks by height and hash.
type Blocks<P> = Store<Context<P>, Arc<ChainBlock>>;
/// Certificates by height and hash.
type Certificates<P> = Store<Context<P>, Finalization<Scheme, Digest>>;
/// Keeps blocks and certificates, fetches missing ones, and delivers final blocks in order.
type Archive<P> = marshal::core::Actor<
    Context<P>,
    Standard<ChainBlock>,
    Schemes,
    Certificates<P>,
    Blocks<P>,
    FixedEpocher,
    Sequential,
>;

/// A page cache of 256 KiB.
pub(crate) fn page_cache() -> CacheRef {
    CacheRef::new(PAGE, PAGES)
}

/// Partition of the votes this validator cast in `epoch`. Losing it while the epoch lasts can make
/// the validator sign twice.
pub(crate) fn votes(partitions: &str, epoch: u64) -> String {
    format!("{partitions}votes-{epoch}")
}

/// Where an engine began that started from a snapshot: what its archive does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beginning {
    /// Height of the block of the snapshot.
    pub(crate) height: u64,
    /// Its epoch.
    pub(crate) epoch: u64,
    /// The last block of the epoch before.
    pub(crate) epoch_parent: Digest,
}

impl Beginning {
    fn encode(&self) -> Vec<u8> {
        let (height, epoch) = (self.height.to_be_bytes(), self.epoch.to_be_bytes());
        [&height, &epoch, self.epoch_parent.as_ref()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (height, rest) = bytes.split_first_chunk()?;
        let (epoch, parent) = rest.split_first_chunk()?;
        let epoch_parent = commonware_cryptography::sha256::Digest(parent.try_into().ok()?);
        let (height, epoch) = (u64::from_be_bytes(*height), u64::from_be_bytes(*epoch));
        Some(Self { height, epoch, epoch_parent })
    }
}

/// Where on the disk the archive is.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) partitions: String,
    pub(crate) cache: CacheRef,
    pub(crate) damage: Damage,
}

/// What to open.
pub(crate) struct Plan {
    pub(crate) place: Place,
    pub(crate) genesis: commonware_cryptography::Digested<ChainBlock>,
    pub(crate) floor: Option<Floor>,
    pub(crate) keep_blocks: Option<u64>,
    pub(crate) schemes: Schemes,
    pub(crate) epocher: FixedEpocher,
    pub(crate) epoch_length: u64,
    pub(crate) max_block_bytes: usize,
}

/// An open archive.
pub(crate) struct Opened<P: Platform> {
    pub(crate) archive: Archive<P>,
    pub(crate) marshal: Marshal,
    /// How far the node had come.
    pub(crate) progress: Progress,
    /// The snapshot the node once started from.
    pub(crate) beginning: Option<Beginning>,
}

/// Opens the archive, or creates it in a new directory.
///
/// # Errors
/// A sentence: the disk failed, or holds something else.
pub(crate) async fn open<P: Platform>(
    context: &Context<P>,
    plan: Plan,
) -> Result<Opened<P>, String> {
    let failed = |error: Error| format!("cannot open the archive: {error}");
    let layout =
        Layout::<P>::open(context, &plan.place.partitions).await.map_err(|e| failed(e.into()))?;
    let (layout, section) = layout.section(plan.keep_blocks).await.map_err(|e| failed(e.into()))?;
    let certificates =
        Kind { name: "certificates", codec: Scheme::certificate_codec_config_unbounded() };
    let certificates = certificates
        .open::<P, Finalization<Scheme, Digest>>(context, &plan, section, |found| {
            found.proposal.payload
        })
        .await
        .map_err(failed)?;
    let blocks = Kind { name: "blocks", codec: plan.max_block_bytes };
    let mut blocks = blocks
        .open::<P, Arc<ChainBlock>>(context, &plan, section, |block| block.digest())
        .await
        .map_err(failed)?;
    let mut layout = layout;
    let start = match plan.floor {
        Some(floor) if blocks.last().is_none_or(|last| last <= floor.block.height()) => {
            layout = layout.begin(&floor).await.map_err(|e| failed(e.into()))?;
            // The archive then finds it at home and need not ask peers.
            let digest = floor.finalization.proposal.payload;
            let block = Arc::new(ChainBlock::digested(floor.block).inner().clone());
            blocks = blocks.put(digest, &block).await.map_err(failed)?;
            blocks = blocks.sync().await.map_err(failed)?;
            Start::Floor(floor.finalization)
        }
        _ => Start::Genesis(plan.genesis),
    };
    let beginning = layout.beginning();
    let from_floor = matches!(start, Start::Floor(_));
    let config = marshal::Config {
        provider: plan.schemes,
        epocher: plan.epocher,
        start,
        partition_prefix: format!("{}{PREFIX}", plan.place.partitions),
        mailbox_size: QUEUE,
        view_retention: ViewDelta::new(256),
        prunable_items_per_section: NZU64!(4096),
        page_cache: plan.place.cache,
        replay_buffer: REPLAY_BUFFER,
        key_write_buffer: WRITE_BUFFER,
        value_write_buffer: WRITE_BUFFER,
        block_codec_config: plan.max_block_bytes,
        max_repair: NZUsize!(32),
        max_pending_acks: NZUsize!(16),
        strategy: Sequential,
    };
    let (archive, marshal, progress) =
        marshal::core::Actor::init(context.child("marshal"), certificates, blocks, config).await;
    if progress.processed().is_none() && beginning.is_some() && !from_floor {
        return Err("the first start from a snapshot was cut short: give the snapshot again".into());
    }
    Ok(Opened { archive, marshal, progress, beginning })
}

/// What the archive of a stopped engine holds, whole or window or both, and what of it is not the
/// block that `expected` names at its height.
///
/// # Errors
/// A sentence: a part of it cannot be opened.
pub(crate) async fn read_all<P: Platform>(
    context: &Context<P>,
    place: &Place,
    max_block_bytes: usize,
    expected: &dyn Expected,
) -> Result<ArchiveReport, String> {
    let failed = |error: Error| format!("the engine's archive cannot be opened: {error}");
    let layout = Layout::<P>::open(context, &place.partitions).await;
    let layout = layout.map_err(|e| failed(e.into()))?;
    let (_, section) = layout.section(None).await.map_err(|e| failed(e.into()))?;
    let blocks = Kind { name: "blocks", codec: max_block_bytes };
    let certificates =
        Kind { name: "certificates", codec: Scheme::certificate_codec_config_unbounded() };
    let mut report = ArchiveReport::default();
    for windowed in [false, true] {
        if blocks.is_there::<P>(context, place, windowed).await.map_err(failed)? {
            let store = blocks
                .open_kind::<P, Arc<ChainBlock>>(context, place, section, windowed)
                .await
                .map_err(failed)?;
            let found = |block: &Arc<ChainBlock>| (Some(block.block().height()), block.digest());
            report.blocks += store.read_all(expected, found, &mut report.damage).await;
        }
        if certificates.is_there::<P>(context, place, windowed).await.map_err(failed)? {
            let store = certificates
                .open_kind::<P, Finalization<Scheme, Digest>>(context, place, section, windowed)
                .await
                .map_err(failed)?;
            let found = |found: &Finalization<Scheme, Digest>| (None, found.proposal.payload);
            report.certificates += store.read_all(expected, found, &mut report.damage).await;
        }
    }
    Ok(report)
}

/// What is fixed for the life of the folder, and where it began.
struct Layout<P: Platform>(Metadata<Context<P>, U64, Vec<u8>>);

impl<P: Platform> Layout<P> {
    async fn open(context: &Context<P>, partitions: &str) -> Result<Self, metadata::Error> {
        let config = metadata::Config {
            partition: format!("{partitions}{PREFIX}-layout"),
            codec_config: ((..=1024).into(), ()),
        };
        Ok(Self(Metadata::init(context.child("layout"), config).await?))
    }

    /// The heights per section of a window: once chosen it stays.
    async fn section(
        mut self,
        keep_blocks: Option<u64>,
    ) -> Result<(Self, NonZeroU64), metadata::Error> {
        let key = U64::new(SECTION_KEY);
        let known = self.0.get(&key).and_then(|bytes| bytes.as_slice().try_into().ok());
        if let Some(section) = known.map(u64::from_be_bytes).and_then(NonZeroU64::new) {
            return Ok((self, section));
        }
        let wanted = keep_blocks.unwrap_or(u64::MAX) / WINDOW_SECTIONS;
        let section = wanted.clamp(*WINDOW_SECTION.start(), *WINDOW_SECTION.end());
        if keep_blocks.is_some() {
            self.0 = self.0.put_sync(key, section.to_be_bytes().to_vec()).await?;
        }
        Ok((self, NonZeroU64::new(section).unwrap_or(NonZeroU64::MIN)))
    }

    /// The engine starts from `floor`.
    async fn begin(mut self, floor: &Floor) -> Result<Self, metadata::Error> {
        let beginning = Beginning {
            height: floor.block.height(),
            epoch: floor.epoch,
            epoch_parent: floor.epoch_parent,
        };
        self.0 = self.0.put_sync(U64::new(FLOOR_KEY), beginning.encode()).await?;
        Ok(self)
    }

    fn beginning(&self) -> Option<Beginning> {
        self.0.get(&U64::new(FLOOR_KEY)).and_then(|bytes| Beginning::decode(bytes))
    }
}

/// One of the two stores.
struct Kind<C> {
    name: &'static str,
    codec: C,
}

impl<C: Clone> Kind<C> {
    /// Opens the store, whole or as a window. What is there of the other kind, because the node
    /// played another part before, is carried over and removed.
    async fn open<P, V>(
        &self,
        context: &Context<P>,
        plan: &Plan,
        section: NonZeroU64,
        digest: impl Fn(&V) -> Digest,
    ) -> Result<Store<Context<P>, V>, Error>
    where
        P: Platform,
        V: commonware_codec::CodecShared<Cfg = C>,
    {
        let windowed = plan.keep_blocks.is_some();
        let store = self.open_kind::<P, V>(context, &plan.place, section, windowed).await?;
        if !self.is_there::<P>(context, &plan.place, !windowed).await? {
            return Ok(store);
        }
        let old = self.open_kind::<P, V>(context, &plan.place, section, !windowed).await?;
        let first = match (plan.keep_blocks, old.last()) {
            (Some(keep), Some(last)) => {
                let two_epochs = (last / plan.epoch_length).saturating_sub(2) * plan.epoch_length;
                last.saturating_sub(keep).min(two_epochs)
            }
            _ => 0,
        };
        info!(store = self.name, first, windowed, "the archive changes its kind");
        let store = store.filled(&old, first, digest).await?;
        old.destroy().await?;
        Ok(store)
    }

    /// Whether there are files of this kind.
    async fn is_there<P: Platform>(
        &self,
        context: &Context<P>,
        place: &Place,
        windowed: bool,
    ) -> Result<bool, Error> {
        match context.scan(&self.partition(place, windowed, "keys")).await {
            Ok(found) => Ok(!found.is_empty()),
            Err(DiskError::PartitionMissing(_)) => Ok(false),
            Err(error) => Err(commonware_storage::journal::Error::Runtime(error).into()),
        }
    }

    async fn open_kind<P, V>(
        &self,
        context: &Context<P>,
        place: &Place,
        section: NonZeroU64,
        windowed: bool,
    ) -> Result<Store<Context<P>, V>, Error>
    where
        P: Platform,
        V: commonware_codec::CodecShared<Cfg = C>,
    {
        let context = context.child(self.name);
        let kept = if windowed {
            let config = self.window(place, section);
            Kept::Window(prunable::Archive::init(context.child("window"), config).await?)
        } else {
            Kept::Whole(immutable::Archive::init(context, self.whole(place)).await?)
        };
        Ok(Store { name: self.name, kept, damage: place.damage.clone() })
    }

    fn partition(&self, place: &Place, windowed: bool, part: &str) -> String {
        let kind = if windowed { "-window" } else { "" };
        format!("{}{PREFIX}-{}{kind}-{part}", place.partitions, self.name)
    }

    fn window(&self, place: &Place, section: NonZeroU64) -> prunable::Config<EightCap, C> {
        prunable::Config {
            translator: EightCap,
            metadata_partition: self.partition(place, true, "metadata"),
            key_partition: self.partition(place, true, "keys"),
            key_page_cache: place.cache.clone(),
            value_partition: self.partition(place, true, "values"),
            compression: None,
            codec_config: self.codec.clone(),
            items_per_section: section,
            key_write_buffer: WRITE_BUFFER,
            value_write_buffer: WRITE_BUFFER,
            replay_buffer: REPLAY_BUFFER,
        }
    }

    fn whole(&self, place: &Place) -> immutable::Config<C> {
        immutable::Config {
            metadata_partition: self.partition(place, false, "metadata"),
            freezer_table_partition: self.partition(place, false, "table"),
            freezer_table_initial_size: 4096,
            freezer_table_resize_frequency: 4,
            freezer_table_resize_chunk_size: 1024,
            freezer_key_partition: self.partition(place, false, "keys"),
            freezer_key_page_cache: place.cache.clone(),
            freezer_value_partition: self.partition(place, false, "values"),
            freezer_value_target_size: 1024 * 1024 * 1024,
            freezer_value_compression: None,
            ordinal_partition: self.partition(place, false, "heights"),
            items_per_section: SECTION,
            freezer_key_write_buffer: WRITE_BUFFER,
            freezer_value_write_buffer: WRITE_BUFFER,
            ordinal_write_buffer: WRITE_BUFFER,
            replay_buffer: REPLAY_BUFFER,
            codec_config: self.codec.clone(),
        }
    }
}
