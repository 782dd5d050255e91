//! Where the engine stands, for those who ask from other threads.

use std::sync::Arc;

use alloy_primitives::B256;
use commonware_actor::Feedback;
use commonware_consensus::{
    Epochable, Reporter, Viewable,
    simplex::{
        elector::{self, Elector as _, RoundRobin},
        types::Activity,
    },
    types::{Epoch, Round, View},
};
use commonware_cryptography::{Sha256, certificate::Scheme as _};
use parking_lot::{Mutex, RwLock};

use crate::{
    block::Digest,
    schemes::{Committee, Scheme},
};

/// Where an engine stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStatus {
    /// The running epoch.
    pub epoch: u64,
    /// The view that is being voted on, 0 before the first.
    pub view: u64,
    /// Who proposes in this view, `None` before the first.
    pub leader: Option<B256>,
    /// The validators of the epoch, ascending. Empty before the first view.
    pub validators: Vec<B256>,
    /// Whether we sign in this epoch.
    pub votes: bool,
}

/// Answers with the engine's metrics.
type Metrics = Box<dyn Fn() -> String + Send>;

/// Where the engine stands. Written by the engine alone.
#[derive(Default)]
pub(crate) struct Board {
    sitting: RwLock<Option<(Committee, u64)>>,
    metrics: Mutex<Option<Metrics>>,
}

impl Board {
    /// An epoch begins.
    pub(crate) fn enter(&self, committee: Committee) {
        *self.sitting.write() = Some((committee, 1));
    }

    /// A view of `epoch` has ended.
    fn ended(&self, epoch: u64, view: u64) {
        if let Some((committee, current)) = &mut *self.sitting.write()
            && committee.epoch == epoch
        {
            *current = view.saturating_add(1).max(*current);
        }
    }

    /// Where the engine stands.
    pub(crate) fn status(&self) -> EngineStatus {
        let Some((committee, view)) = self.sitting.read().clone() else {
            return EngineStatus::default();
        };
        let participants = committee.scheme.participants();
        let elector: elector::RoundRobinElector<Scheme> =
            elector::Config::build(RoundRobin::<Sha256>::default(), participants);
        let leader = elector.elect(Round::new(Epoch::new(committee.epoch), View::new(view)), ());
        let validators: Vec<B256> =
            participants.iter().map(|key| B256::from_slice(key.as_ref())).collect();
        EngineStatus {
            epoch: committee.epoch,
            view,
            leader: validators.get(usize::from(leader)).copied(),
            votes: committee.scheme.me().is_some(),
            validators,
        }
    }

    /// Says how to read the metrics while the engine runs.
    pub(crate) fn publish(&self, metrics: Metrics) {
        *self.metrics.lock() = Some(metrics);
    }

    /// Forgets how to read the metrics: they keep the runtime alive.
    pub(crate) fn close(&self) {
        self.metrics.lock().take();
    }

    /// The metrics as Prometheus text, empty when the engine does not run.
    pub(crate) fn metrics(&self) -> String {
        self.metrics.lock().as_ref().map(|metrics| metrics()).unwrap_or_default()
    }
}

/// Notes on the board when a view ends, and passes everything on.
pub(crate) struct Watched<R> {
    reporter: R,
    board: Arc<Board>,
}

impl<R> Watched<R> {
    /// Watches what `reporter` is told.
    pub(crate) fn new(reporter: R, board: Arc<Board>) -> Self {
        Self { reporter, board }
    }
}

impl<R: Clone> Clone for Watched<R> {
    fn clone(&self) -> Self {
        Self { reporter: self.reporter.clone(), board: Arc::clone(&self.board) }
    }
}

impl<R: Reporter<Activity = Activity<Scheme, Digest>>> Reporter for Watched<R> {
    type Activity = R::Activity;

    fn report(&mut self, activity: Self::Activity) -> Feedback {
        if matches!(
            activity,
            Activity::Certification(_) | Activity::Nullification(_) | Activity::Finalization(_)
        ) {
            self.board.ended(activity.epoch().get(), activity.view().get());
        }
        self.reporter.report(activity)
    }
}
