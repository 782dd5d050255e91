#![doc = include_str!("README.md")]

use alloy_json_abi::JsonAbi;
use alloy_primitives::Bytes;
use alloy_sol_types::SolCall;
use tulou_proofs::{EpochLink, KeySheet, PageProof, ProofError, ProvenReceipt, SheetError};

use crate::{council, prelude::*};

#[cfg(test)]
pub(crate) mod tests;

alloy_sol_types::sol! { #[sol(abi, all_derives)] "ledgers/ILedgers.sol" }
use ILedgers::*;

impl From<tulou_proofs::ReceiptProof> for ReceiptProof {
    /// A proof as a reader gets it, as an argument of `proveReceipt`.
    fn from(proof: tulou_proofs::ReceiptProof) -> Self {
        Self {
            header: proof.page.header,
            certificate: proof.page.certificate,
            links: proof.page.links,
            index: proof.index,
            receipt: proof.receipt,
            proof: proof.proof,
            transaction: proof.transaction,
            transactionProof: proof.transaction_proof,
        }
    }
}

/// Longest name in bytes.
const NAME_BYTES_MAX: u64 = 100;
/// Most headers between a page and its certificate.
const LINKS_MAX: u64 = 64;
/// Most bytes of a proof.
const PROOF_BYTES_MAX: u64 = 512 << 10;
/// Price of a byte of a proof: it is hashed and decoded.
const BYTE_GAS: u64 = 8;
/// Price of one validator: its key is decoded and its signature checked.
const SIGNATURE_GAS: u64 = 4_000;

/// Restricted calls.
pub const PERMITS: &[Permit] = &[("register", registerCall::SELECTOR, &[Office::Council])];

packed! {
    pub(super) struct Epochs { length: u64, first: u64, last: u64, registered_at: u64 }
}
record! {
    /// A set of validators and the first epoch in which it certifies.
    pub(super) struct SetRow { from: Slot<u64>, keys: List<Slot<B256>> }
}
record! {
    pub(super) struct Row {
        genesis: Slot<B256>,
        chain_id: Slot<u64>,
        epochs: Slot<Epochs>,
        sets: List<SetRow>,
        name: Text,
    }
}
packed! {
    pub(super) struct FactHead { ledger: u64, height: u64, at: u64, succeeded: bool }
}
record! {
    pub(super) struct FactRow {
        head: Slot<FactHead>,
        transaction: Slot<B256>,
        logs_hash: Slot<B256>,
        recorded_at: Slot<u64>,
    }
}
record! {
    pub(super) struct State {
        ledgers: List<Row>,
        ids: Map<B256, Slot<u64>>,
        facts: List<FactRow>,
        fact_ids: Map<u64, Map<B256, Slot<u64>>>,
    }
}
fn st() -> State {
    State::at(U256::ZERO)
}

/// The interface.
pub fn abi() -> JsonAbi {
    ILedgers::abi::contract()
}

fn row(cx: &mut Cx<'_>, ledger: u64) -> Res<Row> {
    let known = ledger != 0 && ledger <= st().ledgers.len(cx)?;
    ensure!(known, UnknownLedger { ledger });
    Ok(st().ledgers.of(ledger - 1))
}

/// Place in `ids` of a ledger: what its certificates are bound to.
fn identity(chain_id: u64, genesis: B256) -> B256 {
    keccak256(tulou_proofs::namespace(chain_id, genesis))
}

/// Registers another ledger.
///
/// Caller: the council.
///
/// # Errors
/// - `OnlyCouncil`: any other caller.
/// - [`BadName`], [`BadSheet`], [`AlreadyRegistered`].
fn register(cx: &mut Cx<'_>, call: &registerCall) -> Res<u64> {
    council::only(cx)?;
    let length = call.name.len() as u64;
    ensure!((1..=NAME_BYTES_MAX).contains(&length), BadName { length });
    charge(cx, call.sheet.len() as u64, 0)?;
    let refused = |error: SheetError| BadSheet { reason: error.to_string() };
    let sheet = KeySheet::parse(&call.sheet).map_err(refused)?;
    let key = identity(sheet.chain_id, sheet.genesis);
    let known = st().ids.of(key).get(cx)?;
    ensure!(known == 0, AlreadyRegistered { ledger: known });
    let (index, row) = st().ledgers.push(cx)?;
    let id = exact(index.checked_add(1))?;
    let (length, first) = (sheet.epoch_length, sheet.epoch);
    let epochs = Epochs { length, first, last: first, registered_at: cx.now() };
    row.genesis.set(cx, sheet.genesis)?;
    row.chain_id.set(cx, sheet.chain_id)?;
    row.epochs.set(cx, epochs)?;
    row.name.set(cx, &call.name)?;
    push_set(cx, &row, first, &sheet.validators)?;
    st().ids.of(key).set(cx, id)?;
    let (name, genesis) = (call.name.clone(), sheet.genesis);
    cx.emit(Registered { ledger: id, name, chainId: sheet.chain_id, genesis })?;
    Ok(id)
}

fn push_set(cx: &mut Cx<'_>, row: &Row, from: u64, keys: &[B256]) -> Res<()> {
    let (_, set) = row.sets.push(cx)?;
    set.from.set(cx, from)?;
    for key in keys {
        set.keys.push(cx)?.1.set(cx, *key)?;
    }
    Ok(())
}

/// The validators of an epoch, none where it is not known.
fn set_of(cx: &mut Cx<'_>, row: &Row, epoch: u64) -> Res<Vec<B256>> {
    let epochs = row.epochs.get(cx)?;
    if epoch < epochs.first || epoch > epochs.last {
        return Ok(Vec::new());
    }
    // Sets are in the order of their first epochs: the last that does not begin later.
    let (mut low, mut high) = (0, row.sets.len(cx)?);
    while high.saturating_sub(low) > 1 {
        let middle = low + (high - low) / 2;
        if row.sets.of(middle).from.get(cx)? <= epoch { low = middle } else { high = middle }
    }
    let keys = row.sets.of(low).keys;
    let len = keys.len(cx)?;
    (0..len).map(|place| keys.of(place).get(cx)).collect()
}

/// What a reader of this ledger begins with.
fn sheet_of(cx: &mut Cx<'_>, row: &Row, validators: Vec<B256>) -> Res<KeySheet> {
    let epochs = row.epochs.get(cx)?;
    Ok(KeySheet {
        chain_id: row.chain_id.get(cx)?,
        genesis: row.genesis.get(cx)?,
        epoch_length: epochs.length,
        epoch: epochs.first,
        validators,
    })
}

/// Charges before work is done: bytes to hash and decode, signatures to check.
fn charge(cx: &mut Cx<'_>, bytes: u64, signatures: u64) -> Res<()> {
    ensure!(bytes <= PROOF_BYTES_MAX, TooLarge { found: bytes, atMost: PROOF_BYTES_MAX });
    cx.host.charge(bytes * BYTE_GAS + signatures * SIGNATURE_GAS)
}

fn not_proven(error: ProofError) -> NotProven {
    NotProven { step: error.step().name().into(), reason: error.to_string() }
}

/// Learns the validators of the next epoch.
///
/// Caller: anyone.
///
/// # Errors
/// - [`UnknownLedger`].
/// - [`TooLarge`].
/// - [`NotNext`]: the certificate is of another epoch than the newest one known.
/// - [`NotProven`].
fn follow(cx: &mut Cx<'_>, call: &followCall) -> Res<u64> {
    let row = row(cx, call.ledger)?;
    let keys = call.next.len() as u64;
    let bytes = call.header.len() as u64 + call.certificate.len() as u64 + 32 * keys;
    charge(cx, bytes, 0)?;
    let mut epochs = row.epochs.get(cx)?;
    let certificate = tulou_proofs::Finality::decode(&call.certificate);
    let found = certificate.map_err(|error| not_proven(error.into()))?.epoch;
    ensure!(found == epochs.last, NotNext { expectedEpoch: epochs.last, foundEpoch: found });
    let current = set_of(cx, &row, epochs.last)?;
    charge(cx, 0, current.len() as u64)?;
    let sheet = sheet_of(cx, &row, current.clone())?;
    let (header, certificate) = (call.header.clone(), call.certificate.clone());
    let link = EpochLink { epoch: epochs.last, header, certificate, next: call.next.clone() };
    link.check(&sheet, &current).map_err(not_proven)?;
    epochs.last = exact(epochs.last.checked_add(1))?;
    let changed = link.next != current;
    if changed {
        push_set(cx, &row, epochs.last, &link.next)?;
    }
    row.epochs.set(cx, epochs)?;
    cx.emit(Followed { ledger: call.ledger, epoch: epochs.last, changed })?;
    Ok(epochs.last)
}

/// Checks a receipt of another ledger.
///
/// # Errors
/// - [`UnknownLedger`].
/// - [`TooLarge`].
/// - [`NotProven`].
fn check(cx: &mut Cx<'_>, ledger: u64, proof: &ReceiptProof) -> Res<ProvenReceipt> {
    let row = row(cx, ledger)?;
    let links = proof.links.len() as u64;
    ensure!(links <= LINKS_MAX, TooLarge { found: links, atMost: LINKS_MAX });
    let lists = [&proof.links, &proof.proof, &proof.transactionProof];
    let singles = [&proof.header, &proof.certificate, &proof.receipt, &proof.transaction];
    let bytes = lists.into_iter().flatten().chain(singles).map(|part| part.len() as u64).sum();
    charge(cx, bytes, 0)?;
    let page = PageProof {
        header: proof.header.clone(),
        certificate: proof.certificate.clone(),
        links: proof.links.clone(),
    };
    let epoch = certified_epoch(&page)?;
    let validators = set_of(cx, &row, epoch)?;
    charge(cx, 0, validators.len() as u64)?;
    let sheet = sheet_of(cx, &row, validators.clone())?;
    let epochs = row.epochs.get(cx)?;
    let unknown = ProofError::UnknownEpoch { epoch, from: epochs.first, to: epochs.last };
    let known = if validators.is_empty() { Err(unknown) } else { Ok(&validators[..]) };
    let page = page.check(&sheet, |_| known).map_err(not_proven)?;
    let receipt = tulou_proofs::ReceiptProof {
        page: PageProof::default(),
        index: proof.index,
        receipt: proof.receipt.clone(),
        proof: proof.proof.clone(),
        transaction: proof.transaction.clone(),
        transaction_proof: proof.transactionProof.clone(),
    };
    Ok(receipt.on(page).map_err(not_proven)?)
}

/// Epoch of the certificate; 0 for the first page, which has none.
fn certified_epoch(page: &PageProof) -> Res<u64> {
    if page.certificate.is_empty() {
        return Ok(0);
    }
    let certificate = tulou_proofs::Finality::decode(&page.certificate);
    Ok(certificate.map_err(|error| not_proven(error.into()))?.epoch)
}

fn fact_of(ledger: u64, found: &ProvenReceipt) -> Fact {
    Fact {
        id: 0,
        ledger,
        transactionHash: found.transaction,
        height: found.page.header.number,
        timestamp: found.page.header.timestamp,
        succeeded: found.succeeded(),
        logsHash: found.logs_hash(),
        recordedAt: 0,
    }
}

/// Puts a transaction of another ledger on record.
///
/// Caller: anyone.
///
/// # Errors
/// - those of [`check`].
fn prove_receipt(cx: &mut Cx<'_>, ledger: u64, proof: &ReceiptProof) -> Res<Fact> {
    let found = check(cx, ledger, proof)?;
    let known = st().fact_ids.of(ledger).of(found.transaction);
    let id = known.get(cx)?;
    if id != 0 {
        return shown(cx, id);
    }
    let mut fact = fact_of(ledger, &found);
    let (index, row) = st().facts.push(cx)?;
    fact.id = exact(index.checked_add(1))?;
    fact.recordedAt = cx.now();
    let (height, at, succeeded) = (fact.height, fact.timestamp, fact.succeeded);
    row.head.set(cx, FactHead { ledger, height, at, succeeded })?;
    row.transaction.set(cx, fact.transactionHash)?;
    row.logs_hash.set(cx, fact.logsHash)?;
    row.recorded_at.set(cx, fact.recordedAt)?;
    known.set(cx, fact.id)?;
    let transaction = fact.transactionHash;
    let proven = Proven { fact: fact.id, ledger, transactionHash: transaction, height, succeeded };
    cx.emit(proven)?;
    Ok(fact)
}

fn check_log(cx: &mut Cx<'_>, call: &checkLogCall) -> Res<checkLogReturn> {
    let found = check(cx, call.ledger, &call.proof)?;
    let logs = found.logs().len() as u64;
    let log = usize::try_from(call.index).ok().and_then(|index| found.logs().get(index));
    let log = log.ok_or(NoSuchLog { index: call.index, logs })?;
    let (topics, data) = (log.topics().to_vec(), Bytes::clone(&log.data.data));
    let entry = LogEntry { emitter: log.address, topics, data };
    Ok(checkLogReturn { value: fact_of(call.ledger, &found), entry })
}

fn shown(cx: &mut Cx<'_>, id: u64) -> Res<Fact> {
    let known = id != 0 && id <= st().facts.len(cx)?;
    ensure!(known, UnknownFact { fact: id });
    let row = st().facts.of(id - 1);
    let head = row.head.get(cx)?;
    Ok(Fact {
        id,
        ledger: head.ledger,
        transactionHash: row.transaction.get(cx)?,
        height: head.height,
        timestamp: head.at,
        succeeded: head.succeeded,
        logsHash: row.logs_hash.get(cx)?,
        recordedAt: row.recorded_at.get(cx)?,
    })
}

fn recorded(cx: &mut Cx<'_>, ledger: u64, transaction: B256) -> Res<Fact> {
    match st().fact_ids.of(ledger).of(transaction).get(cx)? {
        0 => Ok(Fact { ledger, transactionHash: transaction, ..Default::default() }),
        id => shown(cx, id),
    }
}

fn ledger(cx: &mut Cx<'_>, id: u64) -> Res<Ledger> {
    let row = row(cx, id)?;
    let epochs = row.epochs.get(cx)?;
    Ok(Ledger {
        id,
        name: row.name.get(cx)?,
        chainId: row.chain_id.get(cx)?,
        genesis: row.genesis.get(cx)?,
        epochLength: epochs.length,
        firstEpoch: epochs.first,
        epoch: epochs.last,
        validators: set_of(cx, &row, epochs.last)?,
        registeredAt: epochs.registered_at,
    })
}

fn ledgers(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<ledgersReturn> {
    let len = st().ledgers.len(cx)?;
    let (range, next) = page(cursor, limit, len);
    let items = range.map(|index| ledger(cx, index + 1)).collect::<Res<_>>()?;
    Ok(ledgersReturn { items, next })
}

fn facts(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<factsReturn> {
    let len = st().facts.len(cx)?;
    let (range, next) = page(cursor, limit, len);
    let items = range.map(|index| shown(cx, index + 1)).collect::<Res<_>>()?;
    Ok(factsReturn { items, next })
}

dispatch! { ILedgers, cx;
    write registerCall(c) => register(cx, &c)?;
    write followCall(c) => follow(cx, &c)?;
    write proveReceiptCall(c) => prove_receipt(cx, c.ledger, &c.proof)?;
    view checkReceiptCall(c) => { let found = check(cx, c.ledger, &c.proof)?; fact_of(c.ledger, &found) };
    view checkLogCall(c) => check_log(cx, &c)?;
    view ledgerCall(c) => ledger(cx, c.id)?;
    view ledgersCall(c) => ledgers(cx, c.cursor, c.limit)?;
    view validatorsOfCall(c) => { let row = row(cx, c.ledger)?; set_of(cx, &row, c.epoch)? };
    view factCall(c) => shown(cx, c.id)?;
    view factsCall(c) => facts(cx, c.cursor, c.limit)?;
    view factOfCall(c) => recorded(cx, c.ledger, c.transactionHash)?;
}

/// The fact of a transaction of another ledger, for modules that rely on it.
pub fn proven(cx: &mut Cx<'_>, ledger: u64, transaction: B256) -> Res<Option<Fact>> {
    let fact = cx.on(crate::address::ledgers, |cx| recorded(cx, ledger, transaction))?;
    Ok((fact.id != 0).then_some(fact))
}
