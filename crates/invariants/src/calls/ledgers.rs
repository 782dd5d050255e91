use tulou_modules::ledgers::ILedgers;

use super::*;
use crate::foreign;

ops! { "ledgers": {
    "register" => register,
    "follow" => follow,
    "proveReceipt" => prove_receipt,
} }

const AT: Address = address::ledgers;

/// The sheet of the known ledger, of another chain, or none.
fn register(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let name = g.text(100);
    let sheet = foreign::sheet();
    let sheet = match g.source.byte() % 4 {
        0 => sheet,
        1 => sheet.chars().take(60).collect(),
        _ => foreign::other_sheet(g.source.byte() % 4),
    };
    g.governed(AT, &ILedgers::registerCall { name, sheet })
}

fn ledger(g: &mut Gen<'_, '_>) -> u64 {
    if g.source.one_in(8) { g.source.pick(&[0, 2, 3, u64::MAX]) } else { 1 }
}

/// The link from the newest epoch, as a rule; at times with a byte changed.
fn follow(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let id = ledger(g);
    let known = view(g.memory, AT, &ILedgers::ledgerCall { id }).map_or(0, |found| found.epoch);
    let epoch = if g.source.one_in(8) { g.source.below(8) } else { known as usize };
    let Some(mut call) = foreign::follow(id, epoch) else { return vec![raw::garbage(g)] };
    if g.source.one_in(6) {
        call.next.pop();
    }
    if g.source.one_in(6) {
        call.header = spoilt(g, &call.header);
    }
    one(g.anybody(), AT, &call)
}

fn prove_receipt(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let ledger = ledger(g);
    let all = foreign::receipts();
    // The first five are good.
    let number = if g.source.one_in(3) { g.source.below(all.len()) } else { g.source.below(5) };
    let mut proof = all[number].clone();
    if g.source.one_in(6) {
        proof.receipt = spoilt(g, &proof.receipt);
    }
    one(g.anybody(), AT, &ILedgers::proveReceiptCall { ledger, proof })
}

/// The bytes with one changed.
fn spoilt(g: &mut Gen<'_, '_>, bytes: &[u8]) -> Bytes {
    let mut bytes = bytes.to_vec();
    let at = g.source.below(bytes.len().max(1));
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 + g.source.byte() % 255;
    }
    bytes.into()
}
