//! JSON-RPC errors with the codes that clients know.

use std::time::Duration;

use alloy_primitives::{B256, Bytes};
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::{Value, json};
use tulou_ledger::LedgerError;
use tulou_mempool::Refused;
use tulou_primitives::StateError;

use crate::{limits::TooMuch, sight::Visibility};

/// When to try again where the pool is full: a block or two later.
pub(crate) const POOL_RETRY_MS: u64 = 1_000;

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
    /// A simulation that cannot be made, with the code of `eth_simulateV1` for the reason.
    #[error("{message}")]
    Simulation {
        /// JSON-RPC code.
        code: i32,
        /// In words.
        message: String,
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
    /// More than one caller or account may ask for in a time.
    #[error("too many {what}: {limit} {unit} a second; try again in {} ms", .retry_after.as_millis())]
    Limited {
        /// Of what, and whose.
        what: &'static str,
        /// What is counted.
        unit: &'static str,
        /// How many a second.
        limit: u32,
        /// When to come back.
        retry_after: Duration,
    },
    /// The caller's address may not come here.
    #[error("this node does not answer your address; ask whoever runs it")]
    NotLetIn,
    /// A row above what the caller may see.
    #[error(
        "{}", unseen(what, *needs, *signed_in)
    )]
    Unseen {
        /// What was asked for.
        what: String,
        /// Its class.
        needs: Visibility,
        /// Whether the caller has signed in.
        signed_in: bool,
    },
    /// The node takes no transactions.
    #[error(
        "this node is read-only and takes no transactions; nothing was sent; send it to another member's node"
    )]
    ReadOnly,
    /// The node must not show its data.
    #[error(
        "this node refuses to serve: {0}; nothing was sent or changed; ask another member's node"
    )]
    Refusing(String),
    /// A fault of this node.
    #[error("internal error: {0}")]
    Fault(String),
}

impl RpcError {
    /// More than [`TooMuch`] of something.
    pub(crate) fn too_many(what: &'static str, unit: &'static str, too_much: TooMuch) -> Self {
        let TooMuch { retry_after, per_s } = too_much;
        Self::Limited { what, unit, limit: per_s, retry_after }
    }

    /// The code of JSON-RPC, EIP-1474, EIP-7966, or `3` for a revert.
    pub(crate) fn code(&self) -> i32 {
        match self {
            Self::Params(_) => -32602,
            Self::Simulation { code, .. } => *code,
            Self::NotFound(_) | Self::Call(_) | Self::NotLetIn => -32000,
            Self::Refused(Refused::Fault(_)) | Self::Fault(_) | Self::Refusing(_) => -32603,
            Self::Refused(
                Refused::PoolFull { .. } | Refused::SenderFull { .. } | Refused::TooFast { .. },
            ) => -32005,
            Self::Refused(_) => -32000,
            Self::Revert { .. } => 3,
            Self::NotFinalYet { .. } => 4,
            Self::Limit(_) | Self::Limited { .. } => -32005,
            Self::ReadOnly => -32004,
            Self::Unseen { .. } => -32001,
        }
    }

    /// Details for programs.
    pub(crate) fn data(&self) -> Option<Value> {
        let wait = |ms: u64, limit: u64| json!({ "retryAfterMs": ms, "limit": limit });
        match self {
            Self::Revert { data, .. } => Some(json!(data)),
            Self::NotFinalYet { hash, .. } => Some(json!(hash)),
            Self::Limited { limit, retry_after, .. } => {
                // Rounded up, so that whoever waits that long is let in.
                let ms = retry_after.as_micros().div_ceil(1_000);
                Some(wait(u64::try_from(ms).unwrap_or(u64::MAX), u64::from(*limit)))
            }
            Self::Refused(Refused::TooFast { limit, retry_after_ms, .. }) => {
                Some(wait(*retry_after_ms, u64::from(*limit)))
            }
            Self::Refused(Refused::SenderFull { limit, .. }) => {
                Some(wait(POOL_RETRY_MS, u64::try_from(*limit).unwrap_or(u64::MAX)))
            }
            Self::Refused(Refused::PoolFull { waiting }) => {
                Some(wait(POOL_RETRY_MS, u64::try_from(*waiting).unwrap_or(u64::MAX)))
            }
            Self::Refusing(reason) => Some(json!({ "reason": reason })),
            Self::Unseen { what, needs, signed_in } => Some(
                json!({ "name": unseen_name(*needs, *signed_in), "needs": needs, "what": what }),
            ),
            _ => None,
        }
    }
}

/// The reason for which a row is not shown, for programs.
pub(crate) fn unseen_name(needs: Visibility, signed_in: bool) -> &'static str {
    match (needs, signed_in) {
        (Visibility::Private, _) => "privateRow",
        (_, false) => "signInNeeded",
        (_, true) => "notAMember",
    }
}

/// The same for people.
fn unseen(what: &str, needs: Visibility, signed_in: bool) -> String {
    match (needs, signed_in) {
        (Visibility::Private, _) => {
            format!(
                "{what} is private: only whom the person lets may read it, and nobody can be let yet"
            )
        }
        (_, false) => format!(
            "{what} is for who has signed in with an account of this estate; sign in at /api/v1/session"
        ),
        (_, true) => format!(
            "{what} is for members of this estate, and the account that signed in belongs to none of its units, \
             offices or member organisations; ask the registrar"
        ),
    }
}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        Self::owned(error.code(), error.to_string(), error.data())
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
