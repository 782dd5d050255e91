//! A page of the book (a block's header) and who certified it.

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::Decodable;
use serde::{Deserialize, Serialize};
use tulou_primitives::{Header, epoch_of};

use crate::{Finality, KeySheet, ProofError};

/// Longest header that is read, in bytes. Those of this ledger have about 600.
pub const HEADER_BYTES_MAX: usize = 2_048;
/// Most headers between a page and the certified one above it.
pub const LINKS_MAX: usize = 1_024;
/// Longest certificate that is read, in bytes.
const CERTIFICATE_BYTES_MAX: usize = 16_384;

/// A header, a certificate, and the headers between the two where the certificate is of a later page.
/// The answer of `tulou_getFinality` has these members among others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageProof {
    /// RLP of the header.
    pub header: Bytes,
    /// Encoded [`Finality`], of this header or of the last of `links`. Empty for the first page, which
    /// whoever knows the genesis hash knows.
    pub certificate: Bytes,
    /// RLP of the headers above, in ascending order, up to the one that was certified. Empty where the
    /// page has a certificate of its own.
    #[serde(default)]
    pub links: Vec<Bytes>,
}

/// A page whose certificate was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Hash of the header.
    pub hash: B256,
    /// The header: height, time, roots.
    pub header: Header,
    /// Epoch in which it was certified.
    pub epoch: u64,
    /// Who signed, in the order of the set of that epoch. Empty for the first page.
    pub signed: Vec<bool>,
}

impl PageProof {
    /// Checks the page. `set` gives the validators of an epoch, or says why it does not know them.
    ///
    /// # Errors
    /// In this order: [`ProofError::TooLarge`], [`ProofError::Undecodable`], what `set` answers,
    /// [`ProofError::Uncertified`], [`ProofError::NotSigned`], [`ProofError::BadHeader`],
    /// [`ProofError::WrongEpoch`], [`ProofError::Unlinked`].
    pub fn check<'a>(
        &self,
        sheet: &KeySheet,
        set: impl FnOnce(u64) -> Result<&'a [B256], ProofError>,
    ) -> Result<Page, ProofError> {
        self.check_sizes()?;
        let hash = keccak256(&self.header);
        if self.certificate.is_empty() && self.links.is_empty() {
            if hash != sheet.genesis {
                return Err(crate::FinalityDecodeError::Truncated.into());
            }
            return Ok(Page { hash, header: header(&self.header)?, epoch: 0, signed: Vec::new() });
        }
        let certificate = Finality::decode(&self.certificate)?;
        let validators = set(certificate.epoch)?;
        certificate.verify(&sheet.namespace(), validators)?;
        let top_bytes = self.links.last().unwrap_or(&self.header);
        let found = keccak256(top_bytes);
        if found != certificate.digest {
            return Err(ProofError::NotSigned { signed: certificate.digest, found });
        }
        let mut above = header(top_bytes)?;
        let expected = epoch_of(above.number, sheet.epoch_length);
        if expected != certificate.epoch {
            let (height, epoch) = (above.number, certificate.epoch);
            return Err(ProofError::WrongEpoch { height, expected, epoch });
        }
        // From the signed header down: each names its parent by hash, and the parent stands one lower.
        let below =
            self.links.iter().rev().skip(1).chain((!self.links.is_empty()).then_some(&self.header));
        for bytes in below {
            let unlinked = ProofError::Unlinked { height: above.number };
            if keccak256(bytes) != above.parent_hash {
                return Err(unlinked);
            }
            let parent = header(bytes)?;
            if parent.number.checked_add(1) != Some(above.number) {
                return Err(unlinked);
            }
            above = parent;
        }
        let mut signed = vec![false; validators.len()];
        for &place in &certificate.signers {
            if let Some(lamp) = signed.get_mut(place as usize) {
                *lamp = true;
            }
        }
        Ok(Page { hash, header: above, epoch: certificate.epoch, signed })
    }

    fn check_sizes(&self) -> Result<(), ProofError> {
        let too_large = |what, found, max| Err(ProofError::TooLarge { what, found, max });
        if self.links.len() > LINKS_MAX {
            return too_large(
                "headers between the page and its certificate",
                self.links.len(),
                LINKS_MAX,
            );
        }
        let longest = self.links.iter().map(|link| link.len()).max().unwrap_or(0);
        let longest = longest.max(self.header.len());
        if longest > HEADER_BYTES_MAX {
            return too_large("bytes of a header", longest, HEADER_BYTES_MAX);
        }
        if self.certificate.len() > CERTIFICATE_BYTES_MAX {
            let found = self.certificate.len();
            return too_large("bytes of a certificate", found, CERTIFICATE_BYTES_MAX);
        }
        Ok(())
    }
}

/// Decodes a header strictly: nothing after it, and no second way to write it.
pub(crate) fn header(bytes: &[u8]) -> Result<Header, ProofError> {
    let mut rest = bytes;
    let header = Header::decode(&mut rest).map_err(|e| ProofError::BadHeader(e.to_string()))?;
    if !rest.is_empty() || header.hash_slow() != keccak256(bytes) {
        return Err(ProofError::BadHeader("not canonical".into()));
    }
    Ok(header)
}
