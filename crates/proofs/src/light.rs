//! A reader that begins with a key sheet and needs to trust nobody after that.

use alloy_primitives::B256;

use crate::{
    AccountProof, EpochLink, KeySheet, Page, PageProof, ProofError, ProvenAccount, ProvenReceipt,
    ReceiptProof,
};

/// Most changes of the set that are remembered. Most epochs keep the set of the one before.
const CHANGES_MAX: usize = 4_096;

/// The newest page that a reader has checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Height.
    pub height: u64,
    /// Hash of the header.
    pub hash: B256,
    /// Seconds since 1970.
    pub timestamp: u64,
}

/// Follows a ledger from its key sheet: knows who certified in every epoch so far, and the newest page.
#[derive(Clone, Debug)]
pub struct LightClient {
    sheet: KeySheet,
    /// Last epoch whose validators are known.
    epoch: u64,
    /// First epoch of each set, ascending; a set lasts until the next entry.
    sets: Vec<(u64, Vec<B256>)>,
    head: Option<Head>,
}

impl LightClient {
    /// Knows what the sheet says.
    pub fn new(sheet: KeySheet) -> Self {
        let (epoch, first) = (sheet.epoch, sheet.validators.clone());
        Self { sheet, epoch, sets: vec![(epoch, first)], head: None }
    }

    /// What it began with.
    pub fn sheet(&self) -> &KeySheet {
        &self.sheet
    }

    /// Last epoch whose validators are known.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The newest page it has checked.
    pub fn head(&self) -> Option<Head> {
        self.head
    }

    /// Validators of an epoch, ascending.
    ///
    /// # Errors
    /// - [`ProofError::UnknownEpoch`]: before the sheet's, or not followed yet.
    pub fn validators(&self, epoch: u64) -> Result<&[B256], ProofError> {
        let unknown = ProofError::UnknownEpoch { epoch, from: self.sheet.epoch, to: self.epoch };
        if epoch > self.epoch {
            return Err(unknown);
        }
        let next = self.sets.partition_point(|(first, _)| *first <= epoch);
        next.checked_sub(1).map(|place| &self.sets[place].1[..]).ok_or(unknown)
    }

    /// Learns the validators of the next epoch from the last page of the newest one.
    ///
    /// # Errors
    /// - [`ProofError::NotNext`]: the link of another epoch. Nothing was learnt.
    /// - those of [`EpochLink::check`].
    /// - [`ProofError::TooLarge`]: the set changed more often than is remembered; begin with a newer sheet.
    pub fn follow(&mut self, link: &EpochLink) -> Result<(), ProofError> {
        if link.epoch != self.epoch {
            return Err(ProofError::NotNext { expected: self.epoch, found: link.epoch });
        }
        let current = self.validators(self.epoch)?;
        let page = link.check(&self.sheet, current)?;
        if current != link.next {
            if self.sets.len() >= CHANGES_MAX {
                let (what, found) = ("changes of the offices", self.sets.len() + 1);
                return Err(ProofError::TooLarge { what, found, max: CHANGES_MAX });
            }
            self.sets.push((self.epoch + 1, link.next.clone()));
        }
        self.epoch += 1;
        self.note(&page);
        Ok(())
    }

    /// Checks a page, and remembers it where it is the newest.
    ///
    /// # Errors
    /// Those of [`PageProof::check`], with [`LightClient::validators`].
    pub fn page(&mut self, proof: &PageProof) -> Result<Page, ProofError> {
        let page = proof.check(&self.sheet, |epoch| self.validators(epoch))?;
        self.note(&page);
        Ok(page)
    }

    /// Checks the receipt of a transaction.
    ///
    /// # Errors
    /// Those of [`LightClient::page`], then those of [`ReceiptProof::on`], then
    /// [`ProofError::OtherTransaction`] where the receipt is not that of `transaction`.
    pub fn receipt(
        &mut self,
        transaction: B256,
        proof: &ReceiptProof,
    ) -> Result<ProvenReceipt, ProofError> {
        let page = self.page(&proof.page)?;
        let found = proof.on(page)?;
        if found.transaction == transaction { Ok(found) } else { Err(ProofError::OtherTransaction) }
    }

    /// Checks an account and its slots in the state of a page: balances, tallies.
    ///
    /// # Errors
    /// Those of [`LightClient::page`], then those of [`AccountProof::on`].
    pub fn account(
        &mut self,
        page: &PageProof,
        proof: &AccountProof,
    ) -> Result<ProvenAccount, ProofError> {
        let page = self.page(page)?;
        proof.on(page)
    }

    fn note(&mut self, page: &Page) {
        let (height, hash, timestamp) = (page.header.number, page.hash, page.header.timestamp);
        if self.head.is_none_or(|head| head.height < height) {
            self.head = Some(Head { height, hash, timestamp });
        }
    }
}
