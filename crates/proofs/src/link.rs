//! From the validators of one epoch to those of the next.

use alloy_primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};
use tulou_primitives::validators_hash;

use crate::{KeySheet, Page, PageProof, ProofError, VALIDATORS_MAX};

/// The last page of an epoch, certified by the validators of that epoch, and the validators of the
/// next one, whose hash stands in the page's `extraData`. The answer of `tulou_getEpochLink`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EpochLink {
    /// The epoch that ends.
    pub epoch: u64,
    /// RLP of its last header.
    pub header: Bytes,
    /// Encoded certificate of exactly this header: one of a later page would be signed by those whom
    /// the link is to introduce.
    pub certificate: Bytes,
    /// ed25519 keys of the validators of the next epoch, ascending.
    pub next: Vec<B256>,
}

impl EpochLink {
    /// Checks the link against the validators of its epoch and returns its page.
    ///
    /// # Errors
    /// In this order: those of [`PageProof::check`], [`ProofError::WrongEpoch`] where the certificate is of
    /// another epoch than `self.epoch`, [`ProofError::NotEpochEnd`], [`ProofError::WrongSet`].
    pub fn check(&self, sheet: &KeySheet, validators: &[B256]) -> Result<Page, ProofError> {
        if self.next.len() > VALIDATORS_MAX {
            let found = self.next.len();
            return Err(ProofError::TooLarge { what: "validators", found, max: VALIDATORS_MAX });
        }
        let (header, certificate) = (self.header.clone(), self.certificate.clone());
        let page = PageProof { header, certificate, links: Vec::new() };
        let page = page.check(sheet, |epoch| {
            if epoch == self.epoch {
                Ok(validators)
            } else {
                Err(ProofError::UnknownEpoch { epoch, from: self.epoch, to: self.epoch })
            }
        })?;
        let height = page.header.number;
        let next_epoch = self.epoch.saturating_add(1);
        let end = next_epoch.saturating_mul(sheet.epoch_length).saturating_sub(1);
        if height != end || page.epoch != self.epoch {
            return Err(ProofError::NotEpochEnd { height, end });
        }
        let ascending = self.next.windows(2).all(|pair| pair[0] < pair[1]);
        let committed = page.header.extra_data[..] == validators_hash(next_epoch, &self.next)[..];
        if self.next.is_empty() || !ascending || !committed {
            return Err(ProofError::WrongSet);
        }
        Ok(page)
    }
}
