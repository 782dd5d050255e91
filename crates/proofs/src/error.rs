//! Why a proof proves nothing, and at which step that shows.

use alloy_primitives::B256;

use crate::{FinalityDecodeError, FinalityError};

/// The steps of a check, in the order in which they are taken. Every verifier, in whatever language,
/// names the same step for the same wrong proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Larger than a reader takes.
    Size,
    /// The bytes of the certificate, or the signatures in it.
    Certificate,
    /// Whose turn it was to sign: the epoch of the certificate.
    Epoch,
    /// Whether the header is the one that was signed.
    Header,
    /// The headers between this one and the one that was signed.
    Links,
    /// The next set of validators.
    Set,
    /// From the header to the receipt.
    Path,
    /// Whose receipt it is: from the header to the transaction.
    Transaction,
    /// From the header to the account.
    Account,
    /// From the account to its slots.
    Storage,
}

impl Step {
    /// Name of the step, as all verifiers and the shared vectors spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Certificate => "certificate",
            Self::Epoch => "epoch",
            Self::Header => "header",
            Self::Links => "links",
            Self::Set => "set",
            Self::Path => "path",
            Self::Transaction => "transaction",
            Self::Account => "account",
            Self::Storage => "storage",
        }
    }
}

/// A path through a trie that does not lead from its root to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// More nodes, or more bytes, than any path has.
    #[error("the path is longer than any path can be")]
    TooLong,
    /// A node is missing.
    #[error("the path ends early, after {0} nodes")]
    Short(usize),
    /// A node is not the one that its parent, or the root, names.
    #[error("node {0} of the path does not belong there")]
    Mismatch(usize),
    /// The bytes are no node of a trie.
    #[error("node {0} of the path is malformed")]
    Malformed(usize),
    /// Nodes are left over.
    #[error("the path goes on after its end")]
    Surplus,
}

/// A proof that proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// More than a reader takes.
    #[error("{what}: {found}, at most {max}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large.
        found: usize,
        /// How large it may be.
        max: usize,
    },
    /// The bytes are no certificate.
    #[error("not a certificate: {0}")]
    Undecodable(#[from] FinalityDecodeError),
    /// The set of the certificate's epoch is not known here.
    #[error("certified in epoch {epoch}, but the offices are known from epoch {from} to {to} only")]
    UnknownEpoch {
        /// Epoch of the certificate.
        epoch: u64,
        /// First epoch whose set is known.
        from: u64,
        /// Last epoch whose set is known.
        to: u64,
    },
    /// The set of the epoch did not sign this.
    #[error("not certified by the offices of its epoch: {0}")]
    Uncertified(#[from] FinalityError),
    /// The header was not what was signed.
    #[error("another page was signed: {signed}, not {found}")]
    NotSigned {
        /// Hash that was signed.
        signed: B256,
        /// Hash of the header at hand.
        found: B256,
    },
    /// The bytes are no header.
    #[error("the header is malformed: {0}")]
    BadHeader(String),
    /// The header is of another epoch than those who signed it.
    #[error("page {height} belongs to epoch {expected} but was certified in epoch {epoch}")]
    WrongEpoch {
        /// Height of the signed header.
        height: u64,
        /// Epoch of that height.
        expected: u64,
        /// Epoch of the certificate.
        epoch: u64,
    },
    /// A header is not the parent of the one after it.
    #[error("page {height} does not follow the one before it")]
    Unlinked {
        /// Height of the header whose parent is another.
        height: u64,
    },
    /// The header does not end the epoch.
    #[error("page {height} is not the last of its epoch, which is {end}")]
    NotEpochEnd {
        /// Height at hand.
        height: u64,
        /// Last height of the epoch.
        end: u64,
    },
    /// The link is of another epoch than the one to be followed.
    #[error("a link of epoch {found} where that of epoch {expected} comes next")]
    NotNext {
        /// Epoch whose link comes next.
        expected: u64,
        /// Epoch of the link.
        found: u64,
    },
    /// The next set is not the one that the header commits to, or is no set.
    #[error("the next offices are not those that the page names")]
    WrongSet,
    /// The receipt is not where the proof says.
    #[error("no path to the receipt: {0}")]
    Path(PathError),
    /// The path leads to another receipt, or to none.
    #[error("another receipt stands at this place of the page")]
    OtherReceipt,
    /// The leaf is no receipt.
    #[error("the receipt is malformed: {0}")]
    BadReceipt(String),
    /// The transaction is not where the proof says.
    #[error("no path to the transaction: {0}")]
    TransactionPath(PathError),
    /// The receipt is that of another transaction.
    #[error("the receipt is that of another transaction")]
    OtherTransaction,
    /// A good page, but not the one that was asked for.
    #[error("page {found} where page {asked} was asked for")]
    OtherPage {
        /// Height that was asked for.
        asked: u64,
        /// Height of the answer.
        found: u64,
    },
    /// The account is not where the proof says.
    #[error("no path to the account: {0}")]
    AccountPath(PathError),
    /// The account says otherwise than the answer.
    #[error("the account in the book differs from the answer: {0}")]
    OtherAccount(&'static str),
    /// A slot is not where the proof says.
    #[error("no path to slot {slot}: {reason}")]
    SlotPath {
        /// Key of the slot.
        slot: B256,
        /// What is wrong with the path.
        reason: PathError,
    },
    /// A slot says otherwise than the answer.
    #[error("slot {0} in the book differs from the answer")]
    OtherValue(B256),
}

impl ProofError {
    /// The step that failed.
    pub fn step(&self) -> Step {
        match self {
            Self::TooLarge { .. } => Step::Size,
            Self::Undecodable(_) | Self::Uncertified(_) => Step::Certificate,
            Self::UnknownEpoch { .. } | Self::WrongEpoch { .. } | Self::NotNext { .. } => {
                Step::Epoch
            }
            Self::NotSigned { .. }
            | Self::BadHeader(_)
            | Self::NotEpochEnd { .. }
            | Self::OtherPage { .. } => Step::Header,
            Self::Unlinked { .. } => Step::Links,
            Self::WrongSet => Step::Set,
            Self::Path(_) | Self::OtherReceipt | Self::BadReceipt(_) => Step::Path,
            Self::TransactionPath(_) | Self::OtherTransaction => Step::Transaction,
            Self::AccountPath(_) | Self::OtherAccount(_) => Step::Account,
            Self::SlotPath { .. } | Self::OtherValue(_) => Step::Storage,
        }
    }
}
