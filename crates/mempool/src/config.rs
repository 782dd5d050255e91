//! Every limit of the pool in one place.

/// Limits of a [`Mempool`](crate::Mempool).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MempoolConfig {
    /// EIP-155 chain id that every transaction must carry.
    pub chain_id: u64,
    /// Gas that one block may use.
    pub block_gas_limit: u64,
    /// Gas that one transaction may ask for (EIP-7825).
    pub tx_gas_limit: u64,
    /// Bytes that one transaction may have.
    pub tx_bytes: usize,
    /// Transactions in the pool. The last quarter of them, and of the bytes, is kept for accounts with
    /// [`MempoolConfig::few`] or less waiting, and the last eighth for calls of such accounts to the
    /// ledger's own modules: whoever floods the pool keeps nobody from a vote.
    pub txs: usize,
    /// Bytes of all transactions in the pool together.
    pub bytes: usize,
    /// Transactions that an account may have waiting and still count as one that sends few.
    pub few: usize,
    /// How long what can execute may have to wait, at the rate at which transactions left this pool of
    /// late. More than that is refused at once, but for calls to the ledger's own modules of accounts
    /// that have few waiting: whoever comes after a flood does not stand behind all of it.
    pub wait_ms: u64,
    /// Transactions that may wait to execute however slow the ledger is.
    pub always: usize,
    /// Transactions of one sender.
    pub txs_per_sender: usize,
    /// Transactions in the pool that wait for an earlier nonce.
    pub queued: usize,
    /// How far a nonce may be ahead of the sender's next one.
    pub nonce_gap: u64,
    /// Seconds of block time after which a transaction that waits for an earlier nonce is dropped.
    pub queued_lifetime_s: u64,
    /// Threads that recover the senders of a batch.
    pub recovery_threads: usize,
    /// Transactions a slow subscriber may fall behind before it loses some.
    pub feed: usize,
}

impl Default for MempoolConfig {
    /// About 130 MB at most, room for one second at 60,000 transactions per second. Chain and gas are
    /// for the caller to say.
    fn default() -> Self {
        Self {
            chain_id: 1,
            block_gas_limit: 30_000_000,
            tx_gas_limit: 1 << 24,
            tx_bytes: 128 * 1024,
            txs: 65_536,
            bytes: 128 * 1024 * 1024,
            few: 16,
            wait_ms: 1_000,
            always: 4_096,
            txs_per_sender: 8_192,
            queued: 8_192,
            nonce_gap: 1_024,
            queued_lifetime_s: 600,
            recovery_threads: std::thread::available_parallelism().map_or(1, usize::from),
            feed: 4_096,
        }
    }
}

impl MempoolConfig {
    /// Transactions that may wait to execute where so many leave the pool in a second, if that is known.
    pub(crate) fn timely(&self, per_s: Option<f64>) -> usize {
        per_s
            .map_or(usize::MAX, |rate| (rate * self.wait_ms as f64 / 1_000.0) as usize)
            .max(self.always)
    }

    /// How much of a bound is open to a transaction of an account with so many waiting.
    pub(crate) fn open(&self, all: usize, waiting: usize, to_module: bool) -> usize {
        match (waiting <= self.few, to_module) {
            (true, true) => all,
            (true, false) => all - all / 8,
            (false, _) => all - all / 4,
        }
    }
}
