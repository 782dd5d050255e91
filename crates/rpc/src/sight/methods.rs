//! JSON-RPC methods that everybody may call where readers are members. All others show inputs, storage or
//! traces, which nobody can sort into classes: they are members'.

/// What is answered in the same way to everybody: the chain itself, signatures of validators, sending, and what
/// only those can ask for who know a transaction's hash. Nobody is told a hash who may not see the transaction.
const SAME: &[&str] = &[
    "debug_getRawHeader",
    "debug_getRawTransaction",
    "eth_accounts",
    "eth_baseFee",
    "eth_blobBaseFee",
    "eth_blockNumber",
    "eth_capabilities",
    "eth_chainId",
    "eth_config",
    "eth_feeHistory",
    "eth_gasPrice",
    "eth_getBalance",
    "eth_getBlockTransactionCountByHash",
    "eth_getBlockTransactionCountByNumber",
    "eth_getCode",
    "eth_getRawTransactionByHash",
    "eth_getTransactionByHash",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
    "eth_getUncleCountByBlockHash",
    "eth_getUncleCountByBlockNumber",
    "eth_maxPriorityFeePerGas",
    "eth_newBlockFilter",
    "eth_sendRawTransaction",
    "eth_sendRawTransactionSync",
    "eth_syncing",
    "eth_uninstallFilter",
    "eth_unsubscribe",
    "evm_increaseTime",
    "evm_setNextBlockTimestamp",
    "net_listening",
    "net_peerCount",
    "net_version",
    "tulou_consortium",
    "tulou_getEpochLink",
    "tulou_getFinality",
    "tulou_getKeySheet",
    "tulou_getReceiptProof",
    "txpool_status",
    "web3_clientVersion",
    "web3_sha3",
];

/// What is answered to everybody as far as they may see: each method asks who reads.
const ASKS: &[&str] = &[
    "eth_call",
    "eth_createAccessList",
    "eth_estimateGas",
    "eth_fillTransaction",
    "eth_getBlockByHash",
    "eth_getBlockByNumber",
    "eth_getFilterChanges",
    "eth_getFilterLogs",
    "eth_getLogs",
    "eth_getProof",
    "eth_newFilter",
    "eth_subscribe",
];

/// Whether a method is for everybody.
pub(crate) fn is_open(method: &str) -> bool {
    SAME.contains(&method) || ASKS.contains(&method)
}

#[cfg(test)]
pub(crate) fn open() -> impl Iterator<Item = &'static str> {
    SAME.iter().chain(ASKS).copied()
}
