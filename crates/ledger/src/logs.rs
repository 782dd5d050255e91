//! Events by address and topic.

use alloy_primitives::{Address, B256, Bloom, BloomInput, Log};

use crate::{error::LedgerError, ledger::Ledger};

/// Which events to look for. Heights beyond the head are simply not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// First height, inclusive.
    pub from: u64,
    /// Last height, inclusive.
    pub to: u64,
    /// Any of these emitted it; empty means anybody.
    pub addresses: Vec<Address>,
    /// For each place the topics of which one must stand there; empty means anything, or nothing.
    pub topics: Vec<Vec<B256>>,
}

/// An event and where it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Height of the block.
    pub height: u64,
    /// Hash of the block.
    pub block_hash: B256,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Hash of the transaction.
    pub tx_hash: B256,
    /// Place of the transaction in the block, from 0.
    pub tx_index: u64,
    /// Place of the event in the block, from 0.
    pub log_index: u64,
    /// The event.
    pub log: Log,
}

impl LogQuery {
    /// Whether the block may hold such an event.
    pub fn may_match(&self, bloom: &Bloom) -> bool {
        fn any<T: AsRef<[u8]>>(bloom: &Bloom, items: &[T]) -> bool {
            items.is_empty()
                || items.iter().any(|item| bloom.contains_input(BloomInput::Raw(item.as_ref())))
        }
        any(bloom, &self.addresses) && self.topics.iter().all(|place| any(bloom, place))
    }

    /// Whether this is such an event.
    pub fn matches(&self, log: &Log) -> bool {
        let topics = log.topics();
        (self.addresses.is_empty() || self.addresses.contains(&log.address))
            && self.topics.iter().enumerate().all(|(n, place)| {
                place.is_empty() || topics.get(n).is_some_and(|topic| place.contains(topic))
            })
    }
}

impl Ledger {
    /// Events of finalized blocks, in order. The bloom of each header is looked at first (about 3 us
    /// per block), the receipts only where it says perhaps.
    ///
    /// # Errors
    /// - [`LedgerError::Pruned`]: blocks of the range are not kept here.
    /// - [`LedgerError::TooManyEvents`]: more than `limit` match.
    /// - [`LedgerError::Damaged`], [`LedgerError::Store`]: the disk.
    pub fn logs(&self, query: &LogQuery, limit: usize) -> Result<Vec<LoggedEvent>, LedgerError> {
        let mut events = Vec::new();
        let to = query.to.min(self.head().height);
        self.linked_headers(query.from, to, &mut |height, header| {
            if query.may_match(&header.logs_bloom) {
                self.logs_of(height, query, limit, &mut events)?;
            }
            Ok(())
        })?;
        Ok(events)
    }

    fn logs_of(
        &self,
        height: u64,
        query: &LogQuery,
        limit: usize,
        events: &mut Vec<LoggedEvent>,
    ) -> Result<(), LedgerError> {
        let Some(receipts) = self.shared_receipts(height)? else { return Ok(()) };
        let all = (0u64..)
            .zip(receipts.iter())
            .flat_map(|(tx, receipt)| receipt.logs().iter().map(move |log| (tx, log)));
        let found: Vec<_> = (0u64..).zip(all).filter(|(_, (_, log))| query.matches(log)).collect();
        if found.is_empty() {
            return Ok(());
        }
        if events.len() + found.len() > limit {
            return Err(LedgerError::TooManyEvents { limit });
        }
        let Some(block) = self.block(height)? else { return Ok(()) };
        for (log_index, (tx_index, log)) in found {
            let Some(tx) = block.transactions().get(tx_index as usize) else { continue };
            events.push(LoggedEvent {
                height,
                block_hash: block.hash(),
                timestamp: block.header().timestamp,
                tx_hash: tx.hash(),
                tx_index,
                log_index,
                log: log.clone(),
            });
        }
        Ok(())
    }
}
