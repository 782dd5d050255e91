//! What all methods share: the context, the filters, the bounds.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use tokio::sync::Semaphore;
use tulou_evm::ethereum::Rules;
use tulou_ledger::Version;

use crate::{
    ForeignBody, RpcContext,
    disk::Disk,
    error::RpcError,
    eth::{filters::Filters, receipts::Waiters},
    limits::{Bodies, Gate},
    listener::Places,
    metrics::{LedgerLabel, Meters},
    pulse::Pulse,
    session::Sessions,
    tls::Tls,
};

/// What all ledgers of one server share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) gate: Arc<Gate>,
    pub(crate) meters: Meters,
    pub(crate) places: Places,
    pub(crate) bodies: Bodies,
    pub(crate) tls: Option<Tls>,
}

/// The server's state. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Node(Arc<Inner>);

pub(crate) struct Inner {
    context: RpcContext,
    pub(crate) filters: Filters,
    pub(crate) waiters: Waiters,
    shared: Shared,
    label: LedgerLabel,
    pulse: Pulse,
    disk: Disk,
    sessions: Sessions,
    heavy: Semaphore,
    heavy_waiting: AtomicUsize,
}

impl std::ops::Deref for Node {
    type Target = RpcContext;

    fn deref(&self) -> &RpcContext {
        &self.0.context
    }
}

/// Counts a call as waiting until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Node {
    pub(crate) fn new(context: RpcContext, shared: Shared) -> Self {
        let filters = Filters::new(context.config.filters, context.config.filter_idle_s);
        let waiters = Waiters::new(context.config.sync_waiting);
        let heavy = Semaphore::new(context.config.heavy.max(1));
        let heavy_waiting = AtomicUsize::new(0);
        Self(Arc::new(Inner {
            label: Arc::new(context.name.clone()),
            pulse: Pulse::new(),
            disk: Disk::new(context.dir.clone()),
            sessions: Sessions::new(),
            context,
            filters,
            waiters,
            shared,
            heavy,
            heavy_waiting,
        }))
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.0.shared.gate
    }

    pub(crate) fn meters(&self) -> &Meters {
        &self.0.shared.meters
    }

    /// Room for requests on their way, of all ledgers.
    pub(crate) fn bodies(&self) -> &Bodies {
        &self.0.shared.bodies
    }

    /// Connections that are open, those of other ledgers included.
    pub(crate) fn connections(&self) -> u64 {
        self.0.shared.places.taken()
    }

    /// The door's certificate, if it has one.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.0.shared.tls.as_ref()
    }

    /// The ledger's name in metrics.
    pub(crate) fn label(&self) -> &LedgerLabel {
        &self.0.label
    }

    pub(crate) fn pulse(&self) -> &Pulse {
        &self.0.pulse
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.0.disk
    }

    /// Who is signed in.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// Why the node must not serve, if it must not.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.watch.as_ref().and_then(|watch| watch.refusal())
    }

    /// How long an idle leader waits before it proposes an empty block.
    pub(crate) fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.genesis.heartbeat_ms)
    }

    pub(crate) fn filters(&self) -> &Filters {
        &self.0.filters
    }

    pub(crate) fn waiters(&self) -> &Waiters {
        &self.0.waiters
    }

    /// Runs costly work on a thread that may block, a bounded number at a time. Refuses at once where
    /// too many wait already.
    pub(crate) async fn heavy<T: Send + 'static, E: From<RpcError> + Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let before = self.0.heavy_waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(&self.0.heavy_waiting);
        if before >= self.config.heavy_waiting {
            let text = "server is busy: too many calls are waiting, try again later";
            return Err(RpcError::Limit(text.into()).into());
        }
        let permit = self.0.heavy.acquire().await;
        drop(waiting);
        let node = self.clone();
        let result = tokio::task::spawn_blocking(move || work(&node)).await;
        drop(permit);
        result.unwrap_or_else(|error| Err(RpcError::Fault(error.to_string()).into()))
    }

    /// The rules by which the blocks were made.
    pub(crate) fn rules(&self) -> &Rules {
        self.foreign.as_ref().map_or(&Rules::Own, |foreign| &foreign.rules)
    }

    /// What a block holds beside transactions, where it holds such things.
    pub(crate) fn foreign_body(&self, height: u64) -> Option<&ForeignBody> {
        self.foreign.as_ref()?.bodies.get(&height)
    }

    /// Height of a tag or number; `None` beyond the head. Everything that is shown is final, so
    /// `latest`, `safe`, `finalized` and `pending` are one.
    pub(crate) fn height(&self, tag: BlockNumberOrTag) -> Option<u64> {
        let head = self.ledger.head().height;
        match tag {
            BlockNumberOrTag::Number(height) => (height <= head).then_some(height),
            BlockNumberOrTag::Earliest => Some(0),
            _ => Some(head),
        }
    }

    /// Height of a block that a client names, `None` where there is no such block.
    pub(crate) fn height_of(&self, id: BlockId) -> Result<Option<u64>, RpcError> {
        match id {
            BlockId::Hash(hash) => Ok(self.ledger.height_of(hash.block_hash)?),
            BlockId::Number(tag) => Ok(self.height(tag)),
        }
    }

    /// The state a client asks for, by default the newest.
    pub(crate) fn state(&self, id: Option<BlockId>) -> Result<Version, RpcError> {
        let Some(id) = id else { return Ok(self.ledger.latest()) };
        if matches!(id, BlockId::Number(tag) if !tag.is_number() && !tag.is_earliest()) {
            return Ok(self.ledger.latest());
        }
        let height =
            self.height_of(id)?.ok_or_else(|| RpcError::NotFound("header not found".into()))?;
        self.ledger.historical(height)?.ok_or_else(|| {
            let oldest = self.ledger.oldest_version();
            RpcError::NotFound(format!(
                "historical state of block {height} is not kept any more; this node has states from \
                 block {oldest} on, an archive all"
            ))
        })
    }

    /// Hash of the first block.
    pub(crate) fn genesis_hash(&self) -> B256 {
        self.ledger.genesis().hash()
    }
}
