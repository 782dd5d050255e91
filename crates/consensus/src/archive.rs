//! Reads the engine's archive of blocks before somebody needs it, so that an altered byte is found.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    time::Duration,
};

use alloy_primitives::B256;
use commonware_consensus::{Heightable, types::Height};
use commonware_cryptography::{Digested, Digestible};
use commonware_runtime::{Clock, Runner, tokio as runtime};

use crate::{
    Application,
    block::ChainBlock,
    delivery::Marshal,
    engine::panic_message,
    network::Authenticated,
    storage::{self, Place},
    store::Damage,
};

/// Blocks read between two pauses.
const BATCH: u64 = 16;
/// Pause after a batch. It leaves the disk to those who wait for it: 160 blocks a second at most.
const PAUSE: Duration = Duration::from_millis(100);
/// From the end of one reading to the beginning of the next.
const AGAIN: Duration = Duration::from_secs(24 * 3600);

/// Which block is final at a height.
pub trait Expected: Send + Sync {
    /// Its hash, `None` where it is not known.
    fn hash(&self, height: u64) -> Option<B256>;
}

impl<F: Fn(u64) -> Option<B256> + Send + Sync> Expected for F {
    fn hash(&self, height: u64) -> Option<B256> {
        self(height)
    }
}

/// What the archive of a stopped engine holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArchiveReport {
    /// Blocks that are sound.
    pub blocks: u64,
    /// Certificates that are of the block at their height.
    pub certificates: u64,
    /// What is wrong, in words.
    pub damage: Vec<String>,
}

/// Reads every block and certificate in the archive below `dir`, the directory of a stopped engine,
/// and compares them with `expected`. Opening it mends what a power cut has left half written, as a
/// start does. An archive that cannot be opened at all is damage.
pub fn verify_archive(
    dir: &Path,
    max_block_bytes: usize,
    expected: &dyn Expected,
) -> ArchiveReport {
    if !dir.exists() {
        return ArchiveReport::default();
    }
    let config = runtime::Config::default().with_worker_threads(1).with_storage_directory(dir);
    let read = || {
        runtime::Runner::new(config).start(|context| async move {
            let place = Place {
                partitions: String::new(),
                cache: storage::page_cache(),
                damage: Damage::default(),
            };
            storage::read_all::<Authenticated>(&context, &place, max_block_bytes, expected).await
        })
    };
    // Reading damaged files may fail an assertion in there: that is damage as well.
    let outcome = catch_unwind(AssertUnwindSafe(read));
    let outcome = outcome.unwrap_or_else(|panic| Err(panic_message(&*panic)));
    outcome.unwrap_or_else(|why| ArchiveReport { damage: vec![why], ..Default::default() })
}

/// Reads the archive from the newest block down, at once and then once a day, for ever or until a block
/// is not the one that is final at its height.
pub(crate) struct Reading {
    pub(crate) marshal: Marshal,
    pub(crate) app: Arc<dyn Application>,
    pub(crate) damage: Damage,
}

impl Reading {
    /// Returns what is wrong.
    pub(crate) async fn run(self, context: impl Clock) -> String {
        loop {
            if let Some(wrong) = self.once(&context).await {
                self.damage.note(wrong.clone());
                return wrong;
            }
            context.sleep(AGAIN).await;
        }
    }

    /// Ends at the first height that is not kept. A value that is not what was written ends the archive's
    /// own task, which notes the damage: see [`crate::store::Store::find`].
    async fn once(&self, context: &impl Clock) -> Option<String> {
        let mut height = self.app.height()?;
        // The parent of the block above, where the node does not know the hash.
        let mut link = None;
        for count in 1.. {
            let block = self.marshal.get_block(Height::new(height)).await?;
            if let Some(wrong) = self.wrong(height, link, &block) {
                return Some(wrong);
            }
            link = Some(block.inner().block().header().parent_hash);
            height = height.checked_sub(1)?;
            if count % BATCH == 0 {
                context.sleep(PAUSE).await;
            }
        }
        None
    }

    fn wrong(
        &self,
        height: u64,
        link: Option<B256>,
        block: &Digested<ChainBlock>,
    ) -> Option<String> {
        // Not the digest that comes along: it may be that of the place.
        let found = B256::from_slice(block.inner().digest().as_ref());
        let expected = self.app.block_hash(height).or(link)?;
        (found != expected || block.height().get() != height).then(|| {
            format!("block {height} of the engine's archive is {found}, final is {expected}")
        })
    }
}
