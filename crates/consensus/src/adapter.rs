//! The node's [`Application`] behind the library's interface.

use std::{sync::Arc, time::Duration};

use commonware_consensus::{marshal::ancestry::Ancestry, simplex::types::Context as Turn};
use commonware_cryptography::{Digested, ed25519::PublicKey};
use commonware_runtime::Clock;
use futures::StreamExt;
use tracing::error;
use tulou_primitives::Block;

use crate::{
    Application,
    block::{ChainBlock, Digest},
    schemes::Scheme,
};

/// Pause before a turn without a block is given up. A lone validator gets the next turn at once and
/// would otherwise decline thousands of turns a minute, each of them written to disk.
const DECLINED: Duration = Duration::from_millis(500);

/// Most blocks that are taken up before a question. Only what was being voted on when the node stopped
/// is missing; anything deeper is on its way from the archive.
const TAKE_UP_MAX: usize = 16;

/// Hands the library's questions to the node.
#[derive(Clone)]
pub(crate) struct Adapter {
    app: Arc<dyn Application>,
    max_block_bytes: usize,
}

impl Adapter {
    /// `max_block_bytes`: a larger proposal is withheld, because no other validator would take it.
    pub(crate) fn new(app: Arc<dyn Application>, max_block_bytes: usize) -> Self {
        Self { app, max_block_bytes }
    }

    /// Gives the node what it lacks to build on `parent`: without it a block that was voted on, but not
    /// final, when the node was killed could never get a child.
    async fn take_up(&self, parent: &Block, mut ancestry: impl Ancestry<ChainBlock>) {
        let mut missing = vec![parent.clone()];
        while !missing.last().is_none_or(|oldest| self.app.holds(oldest.hash())) {
            if missing.len() > TAKE_UP_MAX {
                return;
            }
            let Some(older) = ancestry.next().await else { return };
            missing.push(older.inner().block().clone());
        }
        if missing.len() > 1 {
            missing.reverse();
            self.app.take_up(missing).await;
        }
    }

    /// A block on `parent` that the other validators and our own archive will take.
    async fn build(&self, parent: Block) -> Option<Digested<ChainBlock>> {
        let (hash, height) = (parent.hash(), parent.height());
        let block = self.app.propose(parent).await?;
        if block.header().parent_hash != hash || Some(block.height()) != height.checked_add(1) {
            error!(height = block.height(), "proposed block is no child of its parent, withheld");
            return None;
        }
        ChainBlock::checked(block, self.max_block_bytes)
            .inspect_err(|error| error!(%error, "proposed block withheld"))
            .ok()
    }
}

impl<E: Clock> commonware_consensus::Application<E> for Adapter {
    type SigningScheme = Scheme;
    type Context = Turn<Digest, PublicKey>;
    type Block = ChainBlock;
    type Input = ();

    async fn propose(
        &mut self,
        (context, _): (E, Self::Context),
        mut ancestry: impl Ancestry<ChainBlock>,
        (): (),
    ) -> Option<Digested<ChainBlock>> {
        let parent = ancestry.next().await?.inner().block().clone();
        self.take_up(&parent, ancestry).await;
        let block = self.build(parent).await;
        if block.is_none() {
            context.sleep(DECLINED).await;
        }
        block
    }

    async fn verify(
        &mut self,
        _: (E, Self::Context),
        mut ancestry: impl Ancestry<ChainBlock>,
    ) -> bool {
        let (Some(block), Some(parent)) = (ancestry.next().await, ancestry.next().await) else {
            // Ancestry ends only when the engine is shutting down: that is no verdict on the block.
            return std::future::pending().await;
        };
        let (parent, block) = (parent.inner().block().clone(), block.inner().block().clone());
        self.take_up(&parent, ancestry).await;
        self.app.verify(parent, block).await
    }
}
