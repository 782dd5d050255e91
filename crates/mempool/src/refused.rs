//! Why a transaction is not admitted.

use alloy_primitives::{Address, U256};
use tulou_evm::Denied;
use tulou_primitives::{BatchError, SignatureError, StateError, TxError};

/// A transaction that is not admitted, in the order in which the reasons are looked for. The texts
/// begin as other Ethereum nodes' do, because wallets read them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// More bytes than one transaction may have.
    #[error("oversized data: transaction size {size}, limit {limit}")]
    TooLarge {
        /// Bytes received.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The bytes are no transaction.
    #[error("rlp: {0}")]
    Malformed(String),
    /// A type that this ledger does not keep.
    #[error("transaction type not supported: {0:#04x}")]
    UnsupportedType(u8),
    /// A batch (type 0x76) with what this ledger leaves out of that type.
    #[error("batch transaction: {0}")]
    Batch(BatchError),
    /// Signed for no chain in particular, so that anybody could replay it elsewhere.
    #[error("only replay-protected (EIP-155) transactions allowed over RPC")]
    NotReplayProtected,
    /// Signed for another chain.
    #[error("invalid chain id: have {have}, want {want}")]
    WrongChainId {
        /// The chain it was signed for.
        have: u64,
        /// This chain.
        want: u64,
    },
    /// An EIP-7702 transaction that authorizes nothing.
    #[error("EIP-7702 transaction with empty auth list")]
    NoAuthorization,
    /// The tip is above the whole fee.
    #[error("max priority fee per gas higher than max fee per gas")]
    TipAboveFeeCap,
    /// More gas than one transaction may ask for (EIP-7825).
    #[error("transaction gas limit too high (cap: {cap}, tx: {gas})")]
    TxGasLimit {
        /// Gas asked for.
        gas: u64,
        /// Gas allowed.
        cap: u64,
    },
    /// More gas than a block may use.
    #[error("exceeds block gas limit: gas {gas}, limit {limit}")]
    GasLimit {
        /// Gas asked for.
        gas: u64,
        /// Gas allowed.
        limit: u64,
    },
    /// A contract creation with more init code than EIP-3860 allows.
    #[error("max initcode size exceeded: code size {size}, limit {limit}")]
    InitCodeTooLarge {
        /// Bytes of init code.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not enough gas to begin.
    #[error("intrinsic gas too low: gas {gas}, minimum needed {needed}")]
    IntrinsicGas {
        /// Gas asked for.
        gas: u64,
        /// Gas it needs before the first step.
        needed: u64,
    },
    /// Its last second is over.
    #[error("transaction expired: valid before {before}, now {now} (seconds since 1970)")]
    Expired {
        /// First second at which it is no longer valid.
        before: u64,
        /// Now.
        now: u64,
    },
    /// Its first second is further away than the pool keeps it.
    #[error(
        "transaction not yet valid: valid from {after}, now {now} (seconds since 1970); \
         send it at most {most} seconds before"
    )]
    TooEarly {
        /// First second at which it is valid.
        after: u64,
        /// Now.
        now: u64,
        /// How long before its first second it is taken.
        most: u64,
    },
    /// It is in the pool.
    #[error("already known")]
    AlreadyKnown,
    /// The signature recovers no sender.
    #[error("invalid sender: {0}")]
    BadSignature(SignatureError),
    /// The sender sends more than it may through this node.
    #[error(
        "too many transactions of {sender}: {limit} a second; nothing was sent, try again in {retry_after_ms} ms"
    )]
    TooFast {
        /// The sender.
        sender: Address,
        /// Transactions allowed in a second.
        limit: u32,
        /// Milliseconds after which one more is taken.
        retry_after_ms: u64,
    },
    /// The state could not be read: the fault of this node, not of the transaction.
    #[error("internal error: {0}")]
    Fault(StateError),
    /// The sender is a contract.
    #[error("sender not an eoa: address {0}")]
    SenderIsContract(Address),
    /// The nonce was used by a final transaction.
    #[error("nonce too low: address {sender}, tx: {nonce} state: {next}")]
    NonceTooLow {
        /// The sender.
        sender: Address,
        /// Nonce of the transaction.
        nonce: u64,
        /// The sender's next nonce.
        next: u64,
    },
    /// The account holds less than the transaction moves.
    #[error("insufficient funds for gas * price + value: address {sender} have {have} want {want}")]
    InsufficientFunds {
        /// The sender.
        sender: Address,
        /// Balance in wei.
        have: U256,
        /// Value in wei.
        want: U256,
    },
    /// The council froze the sender, or has not allowed it to create contracts.
    #[error(transparent)]
    Denied(Denied),
    /// Another transaction with this nonce waits, and the fees are not a tenth higher.
    #[error("replacement transaction underpriced")]
    Underpriced,
    /// Too many nonces are missing before it.
    #[error("nonce too high: address {sender}, tx: {nonce} next: {next}, at most {gap} ahead")]
    NonceGap {
        /// The sender.
        sender: Address,
        /// Nonce of the transaction.
        nonce: u64,
        /// The next nonce without a gap, those in the pool counted.
        next: u64,
        /// How far ahead it may be.
        gap: u64,
    },
    /// The sender has as many transactions waiting as one sender may have.
    #[error(
        "account limit exceeded: {limit} transactions of {sender} are waiting, try again later"
    )]
    SenderFull {
        /// The sender.
        sender: Address,
        /// Transactions allowed.
        limit: usize,
    },
    /// The pool is full.
    #[error("txpool is full: {waiting} transactions are waiting, try again later")]
    PoolFull {
        /// Transactions waiting.
        waiting: usize,
    },
}

impl Refused {
    /// Whether the same bytes may be admitted later without anything else being sent first.
    pub fn is_transient(&self) -> bool {
        let frozen =
            matches!(self, Self::Denied(Denied::Frozen { .. } | Denied::FrozenByOwner { .. }));
        frozen
            || matches!(
                self,
                Self::TooEarly { .. }
                    | Self::TooFast { .. }
                    | Self::Fault(_)
                    | Self::SenderFull { .. }
                    | Self::PoolFull { .. }
            )
    }

    /// One word for the reason, for counting.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::Malformed(_) => "malformed",
            Self::UnsupportedType(_) => "unsupported_type",
            Self::Batch(_) => "batch",
            Self::NotReplayProtected => "not_replay_protected",
            Self::WrongChainId { .. } => "wrong_chain_id",
            Self::NoAuthorization => "no_authorization",
            Self::TipAboveFeeCap => "tip_above_fee_cap",
            Self::TxGasLimit { .. } => "tx_gas_limit",
            Self::GasLimit { .. } => "gas_limit",
            Self::InitCodeTooLarge { .. } => "init_code_too_large",
            Self::IntrinsicGas { .. } => "intrinsic_gas",
            Self::Expired { .. } => "expired",
            Self::TooEarly { .. } => "too_early",
            Self::AlreadyKnown => "already_known",
            Self::BadSignature(_) => "bad_signature",
            Self::TooFast { .. } => "too_fast",
            Self::Fault(_) => "fault",
            Self::Denied(_) => "denied",
            Self::SenderIsContract(_) => "sender_is_contract",
            Self::NonceTooLow { .. } => "nonce_too_low",
            Self::InsufficientFunds { .. } => "insufficient_funds",
            Self::Underpriced => "underpriced",
            Self::NonceGap { .. } => "nonce_gap",
            Self::SenderFull { .. } => "sender_full",
            Self::PoolFull { .. } => "pool_full",
        }
    }
}

impl From<TxError> for Refused {
    fn from(error: TxError) -> Self {
        match error {
            TxError::Malformed(reason) => Self::Malformed(reason),
            TxError::UnsupportedType(kind) => Self::UnsupportedType(kind),
            TxError::Batch(error) => Self::Batch(error),
            TxError::BadSignature(error) => Self::BadSignature(error),
        }
    }
}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Fault(error) => Self::Fault(error),
            denied => Self::Denied(denied),
        }
    }
}

impl From<StateError> for Refused {
    fn from(error: StateError) -> Self {
        Self::Fault(error)
    }
}
