//! What nodes tell each other beside consensus: transactions, and how they are.
//!
//! One byte for the version of this format, one for the kind, then RLP.

use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};

/// Version of the format. Another one is another protocol: see [`Status::protocol`].
const FORMAT: u8 = 1;
const STATUS: u8 = 1;
const TRANSACTIONS: u8 = 2;

/// Bytes of a message: what the engine carries.
pub(crate) const MESSAGE_BYTES: usize = 256 << 10;
/// Bytes of transactions in one message, with room for the lengths around them.
pub(crate) const BATCH_BYTES: usize = MESSAGE_BYTES - (16 << 10);
/// Transactions in one message.
pub(crate) const BATCH: usize = 2_048;
/// Bytes of the name of a program's version.
const PROGRAM_BYTES: usize = 64;

/// How a node is, told every few seconds.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Status {
    /// Version of what nodes say to each other. Nodes of different ones do not talk.
    pub(crate) protocol: u32,
    /// Version of the program, for people.
    pub(crate) program: String,
    /// Newest release of the rules that the program knows.
    pub(crate) release: u32,
    /// Newest final height.
    pub(crate) height: u64,
    /// Hash of the block there.
    pub(crate) hash: B256,
    /// The node's clock, milliseconds since 1970.
    pub(crate) clock_ms: u64,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// How the sender is.
    Status(Status),
    /// Signed transactions that the sender has admitted.
    Transactions(Vec<Bytes>),
}

/// Bytes that are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MessageError {
    /// More bytes than a message may have.
    #[error("{0} bytes are too many for a message")]
    TooLarge(usize),
    /// A format of another version of the program.
    #[error("a message of format {0}; this program speaks {FORMAT}")]
    OtherFormat(u8),
    /// A kind that this format lacks.
    #[error("no message has kind {0}")]
    UnknownKind(u8),
    /// Cut off, or more than one.
    #[error("malformed: {0}")]
    Malformed(String),
    /// More transactions than one message may hold.
    #[error("{0} transactions in one message")]
    TooMany(usize),
}

impl Message {
    pub(crate) fn encode(&self) -> Bytes {
        let mut out = vec![FORMAT];
        match self {
            Self::Status(status) => {
                out.push(STATUS);
                status.encode(&mut out);
            }
            Self::Transactions(transactions) => {
                out.push(TRANSACTIONS);
                transactions.encode(&mut out);
            }
        }
        out.into()
    }

    /// # Errors
    /// [`MessageError`], in the order of its variants.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        if bytes.len() > MESSAGE_BYTES {
            return Err(MessageError::TooLarge(bytes.len()));
        }
        let [format, kind, rest @ ..] = bytes else {
            return Err(MessageError::Malformed("cut off".into()));
        };
        if *format != FORMAT {
            return Err(MessageError::OtherFormat(*format));
        }
        let mut rest = rest;
        let malformed = |e: alloy_rlp::Error| MessageError::Malformed(e.to_string());
        let message = match *kind {
            STATUS => {
                let status = Status::decode(&mut rest).map_err(malformed)?;
                if status.program.len() > PROGRAM_BYTES {
                    return Err(MessageError::Malformed("the program's version is long".into()));
                }
                Self::Status(status)
            }
            TRANSACTIONS => {
                let transactions = Vec::<Bytes>::decode(&mut rest).map_err(malformed)?;
                if transactions.len() > BATCH {
                    return Err(MessageError::TooMany(transactions.len()));
                }
                Self::Transactions(transactions)
            }
            other => return Err(MessageError::UnknownKind(other)),
        };
        if !rest.is_empty() {
            return Err(MessageError::Malformed(format!("{} bytes too many", rest.len())));
        }
        Ok(message)
    }
}
