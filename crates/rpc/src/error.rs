//! JSON-RPC errors with the codes that clients know.

use alloy_primitives::{B256, Bytes};
use jsonrpsee::types::ErrorObjectOwned;
use tulou_ledger::LedgerError;
use tulou_mempool::Refused;
use tulou_primitives::StateError;

/// What a method answers when it cannot do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RpcError {
    /// The parameters do not say what the method needs.
    #[error("{0}")]
    Params(String),
    /// A block, or its state, that is not here.
    #[error("{0}")]
    NotFound(String),
    /// The transaction is not admitted.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The call was refused by the contract.
    #[error("{message}")]
    Revert {
        /// `execution reverted`, and the reason where it is text.
        message: String,
        /// What the contract returned.
        data: Bytes,
    },
    /// The call broke off, or could not begin.
    #[error("{0}")]
    Call(String),
    /// The transaction was admitted but is not final in time (EIP-7966).
    #[error("transaction {hash} was added to the pool but is not final after {ms} ms")]
    NotFinalYet {
        /// The transaction.
        hash: B256,
        /// How long the call waited.
        ms: u128,
    },
    /// More than the server does for one caller, or at a time.
    #[error("{0}")]
    Limit(String),
    /// A fault of this node.
    #[error("internal error: {0}")]
    Fault(String),
}

impl RpcError {
    /// The code of JSON-RPC, EIP-1474, EIP-7966, or `3` for a revert.
    pub(crate) fn code(&self) -> i32 {
        match self {
            Self::Params(_) => -32602,
            Self::NotFound(_) | Self::Call(_) => -32000,
            Self::Refused(Refused::Fault(_)) | Self::Fault(_) => -32603,
            Self::Refused(Refused::PoolFull { .. } | Refused::SenderFull { .. }) => -32005,
            Self::Refused(_) => -32000,
            Self::Revert { .. } => 3,
            Self::NotFinalYet { .. } => 4,
            Self::Limit(_) => -32005,
        }
    }
}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        let (code, message) = (error.code(), error.to_string());
        match error {
            RpcError::Revert { data, .. } => Self::owned(code, message, Some(data)),
            RpcError::NotFinalYet { hash, .. } => Self::owned(code, message, Some(hash)),
            _ => Self::owned(code, message, None::<()>),
        }
    }
}

impl From<ErrorObjectOwned> for RpcError {
    /// What jsonrpsee says of parameters that do not parse.
    fn from(error: ErrorObjectOwned) -> Self {
        let detail = error.data().map(|data| data.get().trim_matches('"').replace("\\\"", "\""));
        Self::Params(match detail {
            Some(detail) => format!("invalid params: {detail}"),
            None => error.message().to_owned(),
        })
    }
}

impl From<LedgerError> for RpcError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::TooManyEvents { limit } => Self::Limit(format!(
                "query returned more than {limit} results; ask for fewer blocks at a time"
            )),
            other => Self::Fault(other.to_string()),
        }
    }
}

impl From<StateError> for RpcError {
    fn from(error: StateError) -> Self {
        Self::Fault(error.to_string())
    }
}
