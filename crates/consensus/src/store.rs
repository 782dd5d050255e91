//! Final blocks or certificates on disk: all of them, or a window of the newest.

use alloy_primitives::B256;
use commonware_codec::CodecShared;
use commonware_consensus::{marshal::store, simplex::types::Finalization, types::Height};
use commonware_runtime::{Clock, Handle, Metrics, Storage};
use commonware_storage::{
    archive::{Archive as _, Error, Identifier, immutable, prunable},
    translator::EightCap,
};
use std::sync::{Arc, OnceLock};

use crate::{
    archive::Expected,
    block::{ChainBlock, Digest},
    schemes::Scheme,
};

/// What a store needs of its context.
pub(crate) trait Disk: Storage + Clock + Metrics {}
impl<E: Storage + Clock + Metrics> Disk for E {}

/// What was found wrong with an archive: what was found first stays.
#[derive(Clone, Default)]
pub(crate) struct Damage(Arc<OnceLock<String>>);

impl Damage {
    pub(crate) fn note(&self, words: String) {
        // Keeps the cause if one is known: this may be a consequence.
        self.0.get_or_init(|| words);
    }

    pub(crate) fn words(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// Values by height and block hash.
pub(crate) struct Store<E: Disk, V: CodecShared> {
    /// What is kept, for words.
    pub(crate) name: &'static str,
    pub(crate) kept: Kept<E, V>,
    pub(crate) damage: Damage,
}

/// An index of the window is kept in memory, of the whole on disk.
pub(crate) enum Kept<E: Disk, V: CodecShared> {
    /// Nothing is ever removed.
    Whole(immutable::Archive<E, Digest, V>),
    /// Old values are removed in sections.
    Window(prunable::Archive<EightCap, E, Digest, V>),
}

/// Does the same with either kind.
macro_rules! either {
    ($store:expr, $archive:ident => $does:expr) => {
        match &$store.kept {
            Kept::Whole($archive) => $does,
            Kept::Window($archive) => $does,
        }
    };
}

/// Does the same with either kind and keeps the kind.
macro_rules! each {
    ($store:expr, $archive:ident => $does:expr) => {{
        let Store { name, kept, damage } = $store;
        let kept = match kept {
            Kept::Whole($archive) => Kept::Whole($does),
            Kept::Window($archive) => Kept::Window($does),
        };
        Store { name, kept, damage }
    }};
}

impl<E: Disk, V: CodecShared> Store<E, V> {
    async fn put_at(self, height: u64, digest: Digest, value: &V) -> Result<Self, Error> {
        Ok(each!(self, archive => archive.put(height, digest, value).await?))
    }

    async fn synced(self) -> Result<Self, Error> {
        Ok(each!(self, archive => archive.sync().await?))
    }

    async fn sync_started(self) -> Result<(Self, Handle<()>), Error> {
        let Self { name, kept, damage } = self;
        let (kept, handle) = match kept {
            Kept::Whole(archive) => {
                let (archive, handle) = archive.start_sync().await?;
                (Kept::Whole(archive), handle)
            }
            Kept::Window(archive) => {
                let (archive, handle) = archive.start_sync().await?;
                (Kept::Window(archive), handle)
            }
        };
        Ok((Self { name, kept, damage }, handle))
    }

    /// A value, and a note of the damage if it is not what was written.
    pub(crate) async fn find(&self, id: Identifier<'_, Digest>) -> Result<Option<V>, Error> {
        let place = match &id {
            Identifier::Index(height) => format!("height {height}"),
            Identifier::Key(digest) => format!("hash {digest}"),
        };
        let found = either!(self, archive => archive.get(id).await);
        found.inspect_err(|error| {
            let name = self.name;
            self.damage.note(format!("{name} of the engine's archive, {place}: {error}"));
        })
    }

    /// Removes the sections that end below `height`.
    async fn drop_below(self, height: u64) -> Result<Self, Error> {
        let Self { name, kept, damage } = self;
        let kept = match kept {
            Kept::Whole(archive) => Kept::Whole(archive),
            Kept::Window(archive) => Kept::Window(archive.prune(height).await?),
        };
        Ok(Self { name, kept, damage })
    }

    /// The highest stored height.
    pub(crate) fn last(&self) -> Option<u64> {
        either!(self, archive => archive.last_index())
    }

    async fn holds(&self, height: u64) -> Result<bool, Error> {
        either!(self, archive => archive.has(Identifier::Index(height)).await)
    }

    /// Up to `max` heights at `start` and above that are missing below others that are stored.
    fn gaps(&self, start: u64, max: usize) -> Vec<u64> {
        either!(self, archive => archive.missing_items(start, max))
    }

    fn gap_after(&self, height: u64) -> (Option<u64>, Option<u64>) {
        either!(self, archive => archive.next_gap(height))
    }

    pub(crate) fn stored_from(&self, height: u64) -> Vec<(u64, u64)> {
        either!(self, archive => archive.ranges_from(height).collect())
    }

    /// Copies what `from` holds at `first` and above, durably.
    pub(crate) async fn filled(
        mut self,
        from: &Self,
        first: u64,
        digest: impl Fn(&V) -> Digest,
    ) -> Result<Self, Error> {
        for (start, end) in from.stored_from(first) {
            for height in start.max(first)..=end {
                if let Some(value) = from.find(Identifier::Index(height)).await? {
                    self = self.put_at(height, digest(&value), &value).await?;
                }
            }
        }
        self.synced().await
    }

    /// Reads every value and compares what `found` says of it, its height and the hash of its block,
    /// with its place. Returns how many are sound and adds what is wrong to `damage`.
    pub(crate) async fn read_all(
        &self,
        expected: &dyn Expected,
        found: impl Fn(&V) -> (Option<u64>, Digest),
        damage: &mut Vec<String>,
    ) -> u64 {
        let (name, mut sound) = (self.name, 0);
        for height in self.stored_from(0).into_iter().flat_map(|(start, end)| start..=end) {
            let wrong = match self.find(Identifier::Index(height)).await {
                Err(error) => Some(error.to_string()),
                Ok(None) => Some("it is listed and not there".into()),
                Ok(Some(value)) => {
                    let (at, digest) = found(&value);
                    let hash = B256::from_slice(digest.as_ref());
                    let other = expected.hash(height).is_some_and(|expected| expected != hash);
                    let elsewhere = at.is_some_and(|at| at != height);
                    (other || elsewhere).then(|| "it is of another block".into())
                }
            };
            match wrong {
                None => sound += 1,
                Some(wrong) => damage.push(format!("{name} of the engine, {height}: {wrong}")),
            }
        }
        sound
    }

    /// Removes everything from the disk.
    pub(crate) async fn destroy(self) -> Result<(), Error> {
        match self.kept {
            Kept::Whole(archive) => archive.destroy().await,
            Kept::Window(archive) => archive.destroy().await,
        }
    }
}

impl<E: Disk> store::Blocks for Store<E, Arc<ChainBlock>> {
    type Block = Arc<ChainBlock>;
    type Error = Error;

    async fn put(self, digest: Digest, block: &Self::Block) -> Result<Self, Error> {
        self.put_at(block.block().height(), digest, block).await
    }

    async fn sync(self) -> Result<Self, Error> {
        self.synced().await
    }

    async fn start_sync(self) -> Result<(Self, Handle<()>), Error> {
        self.sync_started().await
    }

    async fn get(&self, id: Identifier<'_, Digest>) -> Result<Option<Self::Block>, Error> {
        self.find(id).await
    }

    async fn prune(self, min: Height) -> Result<Self, Error> {
        self.drop_below(min.get()).await
    }

    fn missing_items(&self, start: Height, max: usize) -> Vec<Height> {
        self.gaps(start.get(), max).into_iter().map(Height::new).collect()
    }

    fn next_gap(&self, value: Height) -> (Option<Height>, Option<Height>) {
        let (end, next) = self.gap_after(value.get());
        (end.map(Height::new), next.map(Height::new))
    }

    fn last_index(&self) -> Option<Height> {
        self.last().map(Height::new)
    }
}

impl<E: Disk> store::Certificates for Store<E, Finalization<Scheme, Digest>> {
    type BlockDigest = Digest;
    type Commitment = Digest;
    type Scheme = Scheme;
    type Error = Error;

    async fn put(
        self,
        height: Height,
        digest: Digest,
        finalization: &Finalization<Scheme, Digest>,
    ) -> Result<Self, Error> {
        self.put_at(height.get(), digest, finalization).await
    }

    async fn sync(self) -> Result<Self, Error> {
        self.synced().await
    }

    async fn start_sync(self) -> Result<(Self, Handle<()>), Error> {
        self.sync_started().await
    }

    async fn get(
        &self,
        id: Identifier<'_, Digest>,
    ) -> Result<Option<Finalization<Scheme, Digest>>, Error> {
        self.find(id).await
    }

    async fn has(&self, height: Height) -> Result<bool, Error> {
        self.holds(height.get()).await
    }

    async fn prune(self, min: Height) -> Result<Self, Error> {
        self.drop_below(min.get()).await
    }

    fn last_index(&self) -> Option<Height> {
        self.last().map(Height::new)
    }

    fn ranges_from(&self, from: Height) -> impl Iterator<Item = (Height, Height)> {
        let ranges = self.stored_from(from.get()).into_iter();
        ranges.map(|(start, end)| (Height::new(start), Height::new(end)))
    }
}
