//! The `tulou` namespace: what a reader needs to check a receipt without trusting the node; and the
//! movable clock of a dev chain.

use alloy_consensus::ReceiptEnvelope;
use alloy_eips::{BlockNumberOrTag, Encodable2718};
use alloy_primitives::{B256, Bytes, U64};
use alloy_rlp::Encodable;
use alloy_trie::{HashBuilder, Nibbles, proof::ProofRetainer};
use jsonrpsee::{core::RegisterMethodError, types::params::ParamsSequence};
use serde::{Deserialize, Serialize};
use tulou_primitives::Header;

use crate::{
    error::RpcError,
    eth::{Methods, heavy, light, receipts},
    node::Node,
    watch,
};

/// What a light client needs to check a receipt: certificate, header, path.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReceiptProof {
    /// RLP of the block's header; its keccak256 is what the certificate signs.
    header: Bytes,
    certificate: Bytes,
    /// Place of the transaction in the block.
    index: u64,
    /// EIP-2718 bytes of the receipt.
    receipt: Bytes,
    /// Trie nodes from the receipts root towards the receipt.
    proof: Vec<Bytes>,
    #[serde(flatten)]
    keepers: Keepers,
}

/// A header and the certificate that makes it final.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finality {
    header: Bytes,
    hash: B256,
    certificate: Bytes,
    #[serde(flatten)]
    keepers: Keepers,
}

/// Who certifies, and which ledger this is.
#[derive(Clone, Debug, Serialize)]
struct Keepers {
    namespace: Bytes,
    validators: Vec<B256>,
    chain: Chain,
}

#[derive(Clone, Debug, Serialize)]
struct Chain {
    id: u64,
    genesis: B256,
}

pub(crate) fn register(methods: &mut Methods, dev: bool) -> Result<(), RegisterMethodError> {
    heavy(methods, "tulou_getReceiptProof", receipt_proof)?;
    light(methods, "tulou_getFinality", finality)?;
    light(methods, "tulou_consortium", |node, _| Ok(watch::consortium(node)))?;
    if dev {
        light(methods, "evm_increaseTime", |node, params| {
            let seconds = params.next::<Quantity>()?.get();
            let clock = node.dev.as_ref().ok_or_else(no_clock)?;
            Ok(clock.increase(seconds))
        })?;
        light(methods, "evm_setNextBlockTimestamp", |node, params| {
            let timestamp = params.next::<Quantity>()?.get();
            let newest = node.ledger.head().timestamp;
            if timestamp < newest {
                return Err(RpcError::Params(format!(
                    "timestamp {timestamp} is before the newest block's, {newest}"
                )));
            }
            node.dev.as_ref().ok_or_else(no_clock)?.set_next(timestamp);
            Ok(())
        })?;
    }
    Ok(())
}

fn no_clock() -> RpcError {
    RpcError::Call("the clock of this chain cannot be moved".into())
}

/// Seconds, as a JSON number or as hex: test tools send both.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum Quantity {
    Number(u64),
    Hex(U64),
}

impl Quantity {
    fn get(self) -> u64 {
        match self {
            Self::Number(value) => value,
            Self::Hex(value) => value.to(),
        }
    }
}

fn receipt_proof(
    node: &Node,
    params: &mut ParamsSequence<'_>,
) -> Result<Option<ReceiptProof>, RpcError> {
    let hash = params.next::<B256>()?;
    let Some(place) = node.ledger.transaction(hash)? else { return Ok(None) };
    let Some(found) = receipts::final_block(node, place.height)? else { return Ok(None) };
    let index = usize::try_from(place.index).unwrap_or(usize::MAX);
    let Some(receipt) = found.receipts.get(index) else {
        return Err(RpcError::Fault(format!("transaction {hash} has no receipt")));
    };
    Ok(Some(ReceiptProof {
        header: rlp(found.block.header()),
        certificate: certificate(node, place.height)?,
        index: place.index,
        receipt: receipt.encoded_2718().into(),
        proof: path(&found.receipts, index),
        keepers: keepers(node, place.height),
    }))
}

fn finality(node: &Node, params: &mut ParamsSequence<'_>) -> Result<Option<Finality>, RpcError> {
    let tag = params.optional_next::<BlockNumberOrTag>()?.unwrap_or_default();
    let Some(height) = node.height(tag) else { return Ok(None) };
    let Some(header) = node.ledger.header(height)? else { return Ok(None) };
    Ok(Some(Finality {
        hash: header.hash_slow(),
        header: rlp(&header),
        certificate: certificate(node, height)?,
        keepers: keepers(node, height),
    }))
}

fn rlp(header: &Header) -> Bytes {
    let mut out = Vec::with_capacity(header.length());
    header.encode(&mut out);
    out.into()
}

/// The first block has none: whoever trusts the genesis hash trusts it.
fn certificate(node: &Node, height: u64) -> Result<Bytes, RpcError> {
    let found = node.ledger.finality(height)?;
    if found.is_none() && height > 0 {
        return Err(RpcError::NotFound(format!("block {height} has no certificate here")));
    }
    Ok(found.unwrap_or_default())
}

fn keepers(node: &Node, height: u64) -> Keepers {
    Keepers {
        namespace: node.finality.namespace().into(),
        validators: node.finality.validators(height),
        chain: Chain { id: node.chain_id, genesis: node.genesis_hash() },
    }
}

/// Trie nodes from the receipts root to the receipt at `index`, root first.
pub(crate) fn path(receipts: &[ReceiptEnvelope], index: usize) -> Vec<Bytes> {
    let key = |index: usize| Nibbles::unpack(alloy_rlp::encode(index));
    let target = key(index);
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(vec![target]));
    let mut leaves: Vec<_> = (0..receipts.len()).map(|index| (key(index), index)).collect();
    leaves.sort_unstable();
    for (key, index) in leaves {
        builder.add_leaf(key, &receipts[index].encoded_2718());
    }
    let _ = builder.root();
    let nodes = builder.take_proof_nodes().into_nodes_sorted();
    nodes.into_iter().map(|(_, node)| node).collect()
}
