use alloy_primitives::U256;
use tulou_modules::money::{IMoney, IToken, asset_address, sub_account};

use super::*;
use crate::people::BANK;

ops! { "money": {
    "createAsset" => create_asset,
    "issue" => issue,
    "burn" => burn,
    "hold" => hold,
    "capture" => capture,
    "release" => release,
    "token.transfer" => transfer,
    "token.approve" => approve,
    "token.transferFrom" => transfer_from,
    "token.transferWithMemo" => transfer_with_memo,
} }

const AT: Address = address::money;

fn asset(g: &mut Gen<'_, '_>) -> u32 {
    g.source.pick(&[2, 2, 2, 2, 1, 1, 1, 3, 0])
}

/// Who holds money or may get it: few, so that payments meet.
fn holder(g: &mut Gen<'_, '_>) -> Address {
    if g.source.one_in(8) {
        return g.source.pick(&[
            sub_account(address::funds, 1),
            sub_account(address::funds, 0),
            STRANGER,
            Address::ZERO,
            address::funds,
        ]);
    }
    g.source.pick(&OWNERS[..4])
}

fn free(g: &mut Gen<'_, '_>, asset: u32, account: Address) -> u64 {
    let call = IMoney::balanceCall { ofAsset: asset, account };
    view(g.memory, AT, &call).map_or(0, |found| found.balanceFen.saturating_sub(found.heldFen))
}

fn create_asset(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (name, symbol, mandate) = (g.text(31), g.text(31), g.any_address());
    g.decided(AT, &IMoney::createAssetCall { name, symbol, mandate })
}

fn issue(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (asset, to, memo) = (asset(g), holder(g), g.hash());
    let amount = g.source.amount(&[5_000, 100]);
    one(g.by(&[BANK]), AT, &IMoney::issueCall { asset, to, amountFen: amount, memo })
}

/// The bank burns what it holds: as a rule an owner hands it in just before.
fn burn(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let asset = asset(g);
    let has = free(g, asset, BANK);
    let mut moves = Vec::new();
    if has == 0 {
        let memo = g.hash();
        moves.extend(one(BANK, AT, &IMoney::issueCall { asset, to: BANK, amountFen: 700, memo }));
    }
    let (amount, memo) = (g.source.amount(&[has.max(700)]), g.hash());
    moves.extend(one(g.by(&[BANK]), AT, &IMoney::burnCall { asset, amountFen: amount, memo }));
    moves
}

fn hold(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let holder = holder(g);
    held_for(g, holder)
}

/// Sets money of an owner aside, who gets some first where there is none.
fn held_for(g: &mut Gen<'_, '_>, holder: Address) -> Vec<Move> {
    let (asset, account, memo) = (asset(g), g.source.pick(&OWNERS[..4]), g.hash());
    let mut has = free(g, asset, account);
    let mut moves = Vec::new();
    if has == 0 {
        has = 4_000;
        let call = IMoney::issueCall { asset, to: account, amountFen: has, memo };
        moves.extend(one(BANK, AT, &call));
    }
    let (amount, now) = (g.source.amount(&[has, has / 3]), g.now());
    let expires_at = if g.source.one_in(3) { 0 } else { g.source.time(&[now + DAY, now]) };
    let call = IMoney::holdCall { asset, holder, amountFen: amount, memo, expiresAt: expires_at };
    moves.extend(one(account, AT, &call));
    moves
}

fn holds(g: &mut Gen<'_, '_>) -> Vec<IMoney::Hold> {
    let mut each = |id| view(g.memory, AT, &IMoney::holdOfCall { id });
    (1..=400).map_while(|id| each(id).ok()).collect()
}

/// A hold that lasts and is no order of a fund: its number, who holds it, whose money it is, how much.
/// Where there is none, one is made.
fn lasting(g: &mut Gen<'_, '_>) -> (Vec<Move>, (u64, Address, Address, u64)) {
    let mut found = holds(g);
    let next = found.len() as u64 + 1;
    if !g.source.one_in(16) {
        found.retain(|hold| {
            hold.state == IMoney::HoldState::Held && !tulou_modules::is_native(&hold.holder)
        });
    }
    if found.is_empty() {
        return (held_for(g, STRANGER), (next, STRANGER, OWNERS[0], 4_000));
    }
    let hold = &found[g.source.below(found.len())];
    (Vec::new(), (hold.id, hold.holder, hold.account, hold.amountFen))
}

fn capture(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (mut moves, (id, holds, _, held)) = lasting(g);
    let (to, amount) = (holder(g), g.source.amount(&[held, held / 3]));
    moves.extend(one(g.by(&[holds]), AT, &IMoney::captureCall { id, to, amountFen: amount }));
    moves
}

fn release(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (mut moves, (id, holds, account, _)) = lasting(g);
    moves.extend(one(g.by(&[holds, account]), AT, &IMoney::releaseCall { id }));
    moves
}

fn value(g: &mut Gen<'_, '_>, asset: u32, from: Address) -> U256 {
    let has = free(g, asset, from);
    match g.source.byte() {
        0..=3 => U256::MAX,
        4..=6 => U256::ONE << 64,
        _ => U256::from(g.source.amount(&[has, has / 2])),
    }
}

fn transfer(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (asset, from, to) = (asset(g), holder(g), holder(g));
    let value = value(g, asset, from);
    one(from, asset_address(asset.max(1)), &IToken::transferCall { to, value })
}

fn approve(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (asset, from, spender) = (asset(g), holder(g), holder(g));
    let value = value(g, asset, from);
    one(from, asset_address(asset.max(1)), &IToken::approveCall { spender, value })
}

fn transfer_from(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (asset, from, spender, to) = (asset(g), holder(g), holder(g), holder(g));
    let (at, value) = (asset_address(asset.max(1)), value(g, asset, from));
    let mut moves = Vec::new();
    if !g.source.one_in(3) {
        moves.extend(one(from, at, &IToken::approveCall { spender, value }));
    }
    moves.extend(one(spender, at, &IToken::transferFromCall { from, to, value }));
    moves
}

fn transfer_with_memo(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (asset, from, to, memo) = (asset(g), holder(g), holder(g), g.hash());
    let value = value(g, asset, from);
    one(from, asset_address(asset.max(1)), &IToken::transferWithMemoCall { to, value, memo })
}
