//! What a reader needs to trust no node: certified pages, links from set to set, receipts with their
//! paths, and the key sheet to begin with. What is answered here is what `tulou-proofs` checks.

use alloy_eips::{BlockNumberOrTag, Encodable2718};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::Encodable;
use alloy_trie::{HashBuilder, Nibbles, proof::ProofRetainer};
use jsonrpsee::{core::RegisterMethodError, types::params::ParamsSequence};
use serde::Serialize;
use tulou_primitives::{Header, epoch_of, validators_hash};
use tulou_proofs::{EpochLink, Finality, KeySheet, LINKS_MAX, PageProof, ReceiptProof};

use crate::{
    error::RpcError,
    eth::{Methods, heavy, light, receipts},
    node::Node,
    tulou::Quantity,
};

/// A page and who certified it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Certified {
    hash: B256,
    #[serde(flatten)]
    page: PageProof,
    #[serde(flatten)]
    keepers: Keepers,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CertifiedReceipt {
    #[serde(flatten)]
    receipt: ReceiptProof,
    #[serde(flatten)]
    keepers: Keepers,
}

/// Who certified, and which ledger this is. For people and simple clients: a reader with a key sheet
/// believes none of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Keepers {
    namespace: Bytes,
    epoch: u64,
    epoch_length: u64,
    validators: Vec<B256>,
    chain: Chain,
}

#[derive(Clone, Debug, Serialize)]
struct Chain {
    id: u64,
    genesis: B256,
}

/// The key sheet as text and in its parts.
#[derive(Clone, Debug, Serialize)]
struct Sheet {
    text: String,
    #[serde(flatten)]
    keepers: Keepers,
}

pub(crate) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    heavy(methods, "tulou_getReceiptProof", receipt_proof)?;
    heavy(methods, "tulou_getFinality", finality)?;
    light(methods, "tulou_getEpochLink", epoch_link)?;
    light(methods, "tulou_getKeySheet", key_sheet)
}

fn receipt_proof(
    node: &Node,
    params: &mut ParamsSequence<'_>,
) -> Result<Option<CertifiedReceipt>, RpcError> {
    let hash = params.next::<B256>()?;
    let Some(place) = node.ledger.transaction(hash)? else { return Ok(None) };
    let Some(found) = receipts::final_block(node, place.height)? else { return Ok(None) };
    let index = usize::try_from(place.index).unwrap_or(usize::MAX);
    let transactions = found.block.transactions();
    let (Some(receipt), Some(transaction)) = (found.receipts.get(index), transactions.get(index))
    else {
        return Err(RpcError::Fault(format!("transaction {hash} has no receipt")));
    };
    let (page, epoch) = page(node, place.height, found.block.header())?;
    let receipts: Vec<Vec<u8>> = found.receipts.iter().map(Encodable2718::encoded_2718).collect();
    let raw: Vec<&[u8]> = transactions.iter().map(|tx| &tx.raw()[..]).collect();
    let receipt = ReceiptProof {
        page,
        index: place.index,
        receipt: receipt.encoded_2718().into(),
        proof: path(&receipts, index),
        transaction: transaction.raw().clone(),
        transaction_proof: path(&raw, index),
    };
    Ok(Some(CertifiedReceipt { receipt, keepers: keepers(node, epoch) }))
}

fn finality(node: &Node, params: &mut ParamsSequence<'_>) -> Result<Option<Certified>, RpcError> {
    let tag = params.optional_next::<BlockNumberOrTag>()?.unwrap_or_default();
    let Some(height) = node.height(tag) else { return Ok(None) };
    let Some(header) = node.ledger.header(height)? else { return Ok(None) };
    let hash = header.hash_slow();
    let (page, epoch) = page(node, height, &header)?;
    Ok(Some(Certified { hash, page, keepers: keepers(node, epoch) }))
}

/// The last page of an epoch and the validators of the next one.
///
/// # Errors
/// - `NotFound`: the epoch is not over; its last block, or that block's own certificate, is not here.
/// - `Fault`: this node's set of the next epoch is not the one that the block names.
fn epoch_link(node: &Node, params: &mut ParamsSequence<'_>) -> Result<EpochLink, RpcError> {
    let epoch = params.next::<Quantity>()?.get();
    let length = node.finality.epoch_length();
    let head = node.ledger.head().height;
    let first = epoch.checked_add(1).and_then(|next| next.checked_mul(length)).filter(|n| *n > 0);
    let not_over = |end: &str| {
        RpcError::NotFound(format!("epoch {epoch} is not over: {end} the newest block is {head}"))
    };
    let next_first = first.ok_or_else(|| not_over(""))?;
    let end = next_first - 1;
    if end > head {
        return Err(not_over(&format!("it ends with block {end},")));
    }
    let Some((header, certificate)) = epoch_end(node, end)? else {
        return Err(RpcError::NotFound(format!(
            "block {end}, the last of epoch {epoch}, is not kept here with its certificate; ask another node, best an archive"
        )));
    };
    let mut next = node.finality.validators(next_first);
    next.sort_unstable();
    if header.extra_data[..] != validators_hash(epoch + 1, &next)[..] {
        return Err(RpcError::Fault(format!(
            "the validators of epoch {} known here are not those that block {end} names",
            epoch + 1
        )));
    }
    Ok(EpochLink { epoch, header: rlp(&header), certificate, next })
}

/// Header and certificate of the last block of an epoch; `None` where one of them is not here. A
/// certificate of a later block does not do: those who signed it are who the link introduces.
fn epoch_end(node: &Node, height: u64) -> Result<Option<(Header, Bytes)>, RpcError> {
    let Some(header) = node.ledger.header(height)? else { return Ok(None) };
    let Some(bytes) = node.ledger.finality(height)? else { return Ok(None) };
    let own = decode(height, &bytes)?.digest == header.hash_slow();
    Ok(own.then_some((header, bytes)))
}

fn key_sheet(node: &Node, params: &mut ParamsSequence<'_>) -> Result<Sheet, RpcError> {
    let epoch = params.optional_next::<Quantity>()?.map_or(0, Quantity::get);
    let length = node.finality.epoch_length();
    let newest = epoch_of(node.ledger.head().height, length);
    if epoch > newest {
        return Err(RpcError::NotFound(format!("the newest epoch is {newest}, not {epoch}")));
    }
    let keepers = keepers(node, epoch);
    let genesis = keepers.chain.genesis;
    let sheet = KeySheet::new(node.chain_id, genesis, length, epoch, keepers.validators.clone())
        .map_err(|error| RpcError::Fault(error.to_string()))?;
    Ok(Sheet { text: sheet.print(), keepers })
}

/// A page with the nearest certificate at or above it and the headers in between, and the epoch in which
/// it was certified.
fn page(node: &Node, height: u64, header: &Header) -> Result<(PageProof, u64), RpcError> {
    let mut page = PageProof { header: rlp(header), ..Default::default() };
    // The first block has none: whoever trusts the genesis hash trusts it.
    if height == 0 {
        return Ok((page, 0));
    }
    let mut found: Option<(Bytes, Finality)> = None;
    let (mut at, mut hash) = (height, header.hash_slow());
    loop {
        if found.is_none()
            && let Some(bytes) = node.ledger.finality(at)?
        {
            let certificate = decode(at, &bytes)?;
            found = Some((bytes, certificate));
        }
        if let Some((bytes, certificate)) = &found
            && certificate.digest == hash
        {
            page.certificate = bytes.clone();
            return Ok((page, certificate.epoch));
        }
        at += 1;
        let above = if page.links.len() < LINKS_MAX { node.ledger.header(at)? } else { None };
        let Some(above) = above else {
            return Err(RpcError::NotFound(format!(
                "block {height} has no certificate here, and none above it; ask again after the next block"
            )));
        };
        hash = above.hash_slow();
        page.links.push(rlp(&above));
    }
}

fn decode(height: u64, certificate: &Bytes) -> Result<Finality, RpcError> {
    Finality::decode(certificate)
        .map_err(|e| RpcError::Fault(format!("the certificate kept for block {height}: {e}")))
}

fn rlp(header: &Header) -> Bytes {
    let mut out = Vec::with_capacity(header.length());
    header.encode(&mut out);
    out.into()
}

fn keepers(node: &Node, epoch: u64) -> Keepers {
    let epoch_length = node.finality.epoch_length();
    let mut validators = node.finality.validators(epoch.saturating_mul(epoch_length));
    validators.sort_unstable();
    Keepers {
        namespace: node.finality.namespace().into(),
        epoch,
        epoch_length,
        validators,
        chain: Chain { id: node.chain_id, genesis: node.genesis_hash() },
    }
}

/// Trie nodes from the root of a list to the item at `index`, root first.
pub(crate) fn path(items: &[impl AsRef<[u8]>], index: usize) -> Vec<Bytes> {
    let key = |index: usize| Nibbles::unpack(alloy_rlp::encode(index));
    let target = key(index);
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(vec![target]));
    let mut leaves: Vec<_> = (0..items.len()).map(|index| (key(index), index)).collect();
    leaves.sort_unstable();
    for (key, index) in leaves {
        builder.add_leaf(key, items[index].as_ref());
    }
    let _ = builder.root();
    let nodes = builder.take_proof_nodes().into_nodes_sorted();
    nodes.into_iter().map(|(_, node)| node).collect()
}
