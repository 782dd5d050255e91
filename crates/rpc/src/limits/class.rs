//! Kinds of calls: what they cost, and how they are counted.

/// What a call makes the node do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Class {
    /// One value that is at hand.
    Read,
    /// A block or receipt from the disk.
    Block,
    /// An execution.
    Execute,
    /// Many executions, or one step by step.
    Trace,
    /// A proof.
    Prove,
    /// A search over blocks.
    Search,
    /// A transaction.
    Write,
    /// A subscription or filter, which lasts.
    Follow,
    /// The node's own state, answered also while it refuses to serve.
    Node,
    /// A name that is no method.
    Unknown,
}

impl Class {
    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::Read,
        Self::Block,
        Self::Execute,
        Self::Trace,
        Self::Prove,
        Self::Search,
        Self::Write,
        Self::Follow,
        Self::Node,
        Self::Unknown,
    ];

    /// Class of a JSON-RPC method.
    pub(crate) fn of(method: &str) -> Self {
        match method {
            "eth_chainId"
            | "eth_blockNumber"
            | "eth_syncing"
            | "eth_accounts"
            | "eth_gasPrice"
            | "eth_maxPriorityFeePerGas"
            | "eth_blobBaseFee"
            | "eth_baseFee"
            | "eth_config"
            | "eth_capabilities"
            | "eth_getBalance"
            | "eth_getTransactionCount"
            | "eth_getCode"
            | "eth_getStorageAt"
            | "eth_uninstallFilter"
            | "eth_unsubscribe"
            | "net_version"
            | "net_listening"
            | "net_peerCount"
            | "web3_clientVersion"
            | "web3_sha3"
            | "txpool_status" => Self::Read,
            "eth_call" | "eth_estimateGas" | "eth_createAccessList" | "eth_fillTransaction" => {
                Self::Execute
            }
            "eth_simulateV1" => Self::Trace,
            _ if method.starts_with("debug_trace") => Self::Trace,
            _ if method.starts_with("debug_getRaw") => Self::Block,
            "txpool_content" | "txpool_contentFrom" | "txpool_inspect" => Self::Search,
            "eth_getProof" | "tulou_getReceiptProof" | "tulou_getKeySheet" => Self::Prove,
            "eth_getLogs" | "eth_getFilterLogs" | "eth_feeHistory" => Self::Search,
            "eth_sendRawTransaction" | "eth_sendRawTransactionSync" => Self::Write,
            "eth_subscribe"
            | "eth_newFilter"
            | "eth_newBlockFilter"
            | "eth_newPendingTransactionFilter" => Self::Follow,
            "tulou_consortium" => Self::Node,
            _ if method.starts_with("eth_get") || method.starts_with("tulou_get") => Self::Block,
            _ if method.starts_with("evm_") => Self::Read,
            _ => Self::Unknown,
        }
    }

    /// What a call costs its caller, in units.
    pub(crate) fn units(self) -> u32 {
        match self {
            Self::Read | Self::Node | Self::Unknown => 1,
            Self::Block => 2,
            Self::Write => 5,
            Self::Execute | Self::Follow => 10,
            Self::Prove | Self::Search => 20,
            Self::Trace => 50,
        }
    }

    /// Its name in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Block => "block",
            Self::Execute => "execute",
            Self::Trace => "trace",
            Self::Prove => "prove",
            Self::Search => "search",
            Self::Write => "write",
            Self::Follow => "follow",
            Self::Node => "node",
            Self::Unknown => "unknown",
        }
    }
}
