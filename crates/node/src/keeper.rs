//! The keeper: sends `schedule.run()` when work is due, so that deadlines keep themselves. Any
//! account may send the same call; the keeper only makes sure that somebody does.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use tracing::{debug, warn};
use tulou_evm::{BlockEnv, CallOutcome, CallRequest};
use tulou_ledger::Ledger;
use tulou_mempool::Mempool;
use tulou_modules::schedule::ISchedule;
use tulou_primitives::StateReader;
use tulou_rpc::FinalitySource;

use crate::{Clock, committee::Committee};

/// Tasks that one call works off.
const TASKS_PER_CALL: u64 = 32;
/// Gas for one such call: what a block can hold is far above it.
const RUN_GAS: u64 = 15_000_000;
/// How often the clock is looked at while no block comes.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long one keeper waits for the one whose turn is before its own.
const TURN: Duration = Duration::from_secs(2);

pub(crate) struct Keeper {
    pub(crate) key: PrivateKeySigner,
    pub(crate) chain_id: u64,
    pub(crate) gas_limit: u64,
    pub(crate) ledger: Ledger,
    pub(crate) mempool: Arc<Mempool>,
    pub(crate) clock: Arc<Clock>,
    /// Key of this node and the set it may belong to: they say whose turn it is.
    pub(crate) me: B256,
    pub(crate) committee: Arc<Committee>,
}

impl Keeper {
    /// Looks after each block and at intervals, for ever.
    pub(crate) async fn run(self) {
        let keeper = Arc::new(self);
        let mut heads = keeper.ledger.subscribe();
        let mut clock = keeper.clock.subscribe();
        let mut due_since = None;
        loop {
            tokio::select! {
                _ = heads.changed() => {}
                _ = clock.changed() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let looked = keeper.clone();
            match tokio::task::spawn_blocking(move || looked.look(due_since)).await {
                Ok(since) => due_since = since,
                Err(_) => warn!("the keeper's look at due work broke"),
            }
        }
    }

    /// How many keepers of other validators have a chance before this one: one call is enough.
    fn rank(&self) -> u32 {
        let head = self.ledger.head().height;
        let set = FinalitySource::validators(&*self.committee, head + 1);
        let place = set.iter().position(|key| *key == self.me).unwrap_or(set.len());
        let turn = usize::try_from(head).unwrap_or_default() % set.len().max(1);
        // A node outside the set comes last.
        let rank = if place == set.len() { place } else { (place + set.len() - turn) % set.len() };
        u32::try_from(rank).unwrap_or(u32::MAX)
    }

    /// Sends what is due when it is this keeper's turn. Returns since when something is due.
    fn look(&self, due_since: Option<Instant>) -> Option<Instant> {
        if !self.is_due() {
            return None;
        }
        let since = due_since.unwrap_or_else(Instant::now);
        if since.elapsed() >= TURN * self.rank() {
            self.send();
        }
        Some(since)
    }

    fn send(&self) {
        let account = self.key.address();
        let known = self.ledger.latest().account(account);
        let (known, pending) = match (known, self.mempool.pending_nonce(account)) {
            (Ok(known), Ok(pending)) => (known.map_or(0, |a| a.nonce), pending),
            (Err(e), _) | (_, Err(e)) => {
                return warn!(reason = %e, "the keeper cannot read the state");
            }
        };
        // One at a time: the last call is still waiting for its block.
        if pending > known {
            return;
        }
        let Some(raw) = self.signed(known) else {
            return warn!("the keeper's key does not sign");
        };
        match self.mempool.submit(raw) {
            Ok(hash) => debug!(%hash, "due work sent"),
            Err(e) => warn!(reason = %e, "due work was not accepted"),
        }
    }

    fn is_due(&self) -> bool {
        let head = self.ledger.head();
        let env = BlockEnv {
            chain_id: self.chain_id,
            height: head.height + 1,
            timestamp: self.clock.now().max(head.timestamp),
            gas_limit: self.gas_limit,
            beneficiary: Address::ZERO,
            prevrandao: B256::ZERO,
            next_validators: None,
            terms: None,
        };
        let request = CallRequest {
            from: self.key.address(),
            to: Some(tulou_modules::address::schedule),
            input: ISchedule::nextDueAtCall {}.abi_encode().into(),
            ..Default::default()
        };
        match tulou_evm::call(&self.ledger.latest(), &env, &request, None, RUN_GAS, None) {
            Ok(CallOutcome::Success { output, .. }) => {
                // 0 means that nothing is planned at all.
                ISchedule::nextDueAtCall::abi_decode_returns(&output)
                    .is_ok_and(|at| at != 0 && at <= env.timestamp)
            }
            other => {
                warn!(?other, "the schedule does not answer");
                false
            }
        }
    }

    fn signed(&self, nonce: u64) -> Option<Bytes> {
        let tx = TxEip1559 {
            chain_id: self.chain_id,
            nonce,
            gas_limit: RUN_GAS,
            to: TxKind::Call(tulou_modules::address::schedule),
            input: ISchedule::runCall { most: TASKS_PER_CALL }.abi_encode().into(),
            ..Default::default()
        };
        let signature = self.key.sign_hash_sync(&tx.signature_hash()).ok()?;
        Some(TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into())
    }
}
