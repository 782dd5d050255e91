#![doc = include_str!("README.md")]

use alloy_json_abi::JsonAbi;
use alloy_sol_types::SolCall;

use crate::{
    address,
    prelude::*,
    roles::{self, Office},
};

mod token;
#[cfg(test)]
mod tests;

alloy_sol_types::sol! { #[sol(abi, all_derives)] "money/IMoney.sol" }
use IMoney::*;

pub use token::{IToken, abi as token_abi, asset_address, entry as token_entry, is_asset};

/// Restricted calls.
pub const PERMITS: &[roles::Permit] = &[
    ("createAsset", createAssetCall::SELECTOR, &[Office::Decision]),
    ("issue", issueCall::SELECTOR, &[Office::Bank]),
    ("burn", burnCall::SELECTOR, &[Office::Bank]),
];

/// The asset that mirrors the community's bank money; it exists from the first block.
pub const CNY: u32 = 1;
const NAME_BYTES_MOST: usize = 31;
/// First bytes of sub-accounts: no key leads there, and no contract is deployed there.
const SUB_ACCOUNT: [u8; 2] = [0x77, 0x56];

packed! {
    pub(super) struct HoldHead { asset: u32, amount: Fen, captured: Fen, state: u8, expires_at: u64 }
}
record! {
    pub(super) struct HoldRow {
        head: Slot<HoldHead>,
        account: Slot<Address>,
        holder: Slot<Address>,
        memo: Slot<B256>,
    }
}
record! {
    pub(super) struct State {
        assets: Slot<u32>,
        mandates: Map<u32, Slot<Address>>,
        holds: List<HoldRow>,
    }
}
fn st() -> State {
    State::at(U256::ZERO)
}

/// Interface of this module.
pub fn abi() -> JsonAbi {
    IMoney::abi::contract()
}

/// Opens the first asset, which `funds` may issue and burn.
pub fn genesis(cx: &mut Cx<'_>, mandate: Address) -> Res<()> {
    open(cx, "人民币(银行存款镜像)", "CNY", mandate).map(|_| ())
}

/// Account `n` of a module. Only that module moves its money.
pub fn sub_account(module: Address, n: u64) -> Address {
    let mut bytes = [0u8; 20];
    bytes[..2].copy_from_slice(&SUB_ACCOUNT);
    bytes[2] = module[19];
    bytes[12..].copy_from_slice(&n.to_be_bytes());
    Address::new(bytes)
}

/// Whether `caller` may move the money of an account: its own, or that of its sub-accounts.
fn owns(caller: Address, account: Address) -> bool {
    let n = u64::from_be_bytes(core::array::from_fn(|i| account[i + 12]));
    let module = crate::system_address(account[2]);
    caller == account || (caller == module && account == sub_account(module, n))
}

/// Whether money may come into an account: into a module's sub-account only by that module, so that what the
/// module has on its books is all that is there.
fn receives(caller: Address, to: Address) -> bool {
    !to.is_zero() && (!is_sub_account(&to) || owns(caller, to))
}

/// Whether an address is a sub-account of some module. The nine zero bytes in its middle are part of it: one
/// of 65,536 people has an address that begins like one.
pub(crate) fn is_sub_account(at: &Address) -> bool {
    at[..2] == SUB_ACCOUNT && at[3..12] == [0; 9]
}

/// Balance of an account, held money included.
///
/// # Errors
/// - `NoSuchAsset`.
pub fn balance(cx: &mut Cx<'_>, asset: u32, who: Address) -> Res<Fen> {
    cx.on(address::money, |cx| Ok(balances(cx, asset, who)?.0))
}

/// Issues to an account. Caller: the module with the asset's mandate.
///
/// # Errors
/// `NoSuchAsset`, `NoMandate`, `BadAmount`, `BadAccount`.
pub fn issue(cx: &mut Cx<'_>, asset: u32, to: Address, amount: Fen, memo: B256) -> Res<()> {
    cx.on(address::money, |cx| {
        mandated(cx, asset)?;
        mint(cx, asset, to, amount, memo)
    })
}

/// Burns from one of the caller's accounts. Caller: the module with the asset's mandate.
///
/// # Errors
/// `NoSuchAsset`, `NoMandate`, `NotYourAccount`, `BadAmount`, `NotEnough`.
pub fn burn(cx: &mut Cx<'_>, asset: u32, from: Address, amount: Fen, memo: B256) -> Res<()> {
    cx.on(address::money, |cx| {
        mandated(cx, asset)?;
        yours(cx, from)?;
        destroy(cx, asset, from, amount, memo)
    })
}

/// Moves money out of one of the caller's accounts.
///
/// # Errors
/// `NoSuchAsset`, `NotYourAccount`, `BadAmount`, `BadAccount`, `NotEnough`.
pub fn transfer(
    cx: &mut Cx<'_>,
    asset: u32,
    from: Address,
    to: Address,
    amount: Fen,
    memo: B256,
) -> Res<()> {
    cx.on(address::money, |cx| {
        existing(cx, asset)?;
        yours(cx, from)?;
        let amount = positive(U256::from(amount.0))?;
        ensure!(receives(cx.caller, to), BadAccount { account: to });
        token::on(cx, asset, |cx| token::shift(cx, from, to, amount, memo))
    })
}

/// Sets money of one of the caller's accounts aside; the caller ends the hold.
///
/// # Errors
/// `NoSuchAsset`, `NotYourAccount`, `BadAmount`, `NotEnough`.
pub fn hold(cx: &mut Cx<'_>, asset: u32, from: Address, amount: Fen, memo: B256) -> Res<u64> {
    cx.on(address::money, |cx| {
        existing(cx, asset)?;
        yours(cx, from)?;
        let holder = cx.caller;
        set_aside(cx, HoldHead { asset, amount, ..HoldHead::default() }, from, holder, memo)
    })
}

/// Takes held money, all or a part, and frees the rest. Caller: who holds it.
///
/// # Errors
/// `NoSuchHold`, `HoldEnded`, `NotHolder`, `BadAmount`, `OverHold`, `BadAccount`.
pub fn capture(cx: &mut Cx<'_>, hold: u64, to: Address, amount: Fen) -> Res<()> {
    cx.on(address::money, |cx| end_by_capture(cx, hold, to, amount))
}

/// Frees held money. Caller: who holds it, or after the expiry its owner.
///
/// # Errors
/// `NoSuchHold`, `HoldEnded`, `NotHolder`.
pub fn release(cx: &mut Cx<'_>, hold: u64) -> Res<()> {
    cx.on(address::money, |cx| end_by_release(cx, hold))
}

fn open(cx: &mut Cx<'_>, name: &str, symbol: &str, mandate: Address) -> Res<u32> {
    let fits = |text: &str| (1..=NAME_BYTES_MOST).contains(&text.len());
    ensure!(fits(name) && fits(symbol), BadName { name: name.into(), symbol: symbol.into() });
    let asset = st().assets.next(cx)?;
    st().mandates.of(asset).set(cx, mandate)?;
    let token = asset_address(asset);
    cx.host.mark(token)?;
    token::on(cx, asset, |cx| token::name_it(cx, name, symbol))?;
    cx.emit(AssetCreated { asset, token, name: name.into(), symbol: symbol.into(), mandate })?;
    Ok(asset)
}

fn existing(cx: &mut Cx<'_>, asset: u32) -> Res<()> {
    let exists = asset != 0 && asset <= st().assets.get(cx)?;
    ensure!(exists, NoSuchAsset { asset });
    Ok(())
}

fn mandated(cx: &mut Cx<'_>, asset: u32) -> Res<()> {
    existing(cx, asset)?;
    let account = cx.caller;
    let mandate = st().mandates.of(asset).get(cx)?;
    ensure!(account == mandate && mandate != Address::ZERO, NoMandate { asset, account });
    Ok(())
}

fn yours(cx: &mut Cx<'_>, account: Address) -> Res<()> {
    let caller = cx.caller;
    ensure!(owns(caller, account), NotYourAccount { account, caller });
    Ok(())
}

/// An amount that is more than nothing and that a balance can hold.
fn positive(amount: U256) -> Res<Fen> {
    let fen: u64 = amount.try_into().unwrap_or(0);
    ensure!(fen != 0, BadAmount { amount });
    Ok(Fen(fen))
}

fn balances(cx: &mut Cx<'_>, asset: u32, who: Address) -> Res<(Fen, Fen)> {
    existing(cx, asset)?;
    token::on(cx, asset, |cx| token::balances(cx, who))
}

fn mint(cx: &mut Cx<'_>, asset: u32, to: Address, amount: Fen, memo: B256) -> Res<()> {
    let amount = positive(U256::from(amount.0))?;
    ensure!(receives(cx.caller, to), BadAccount { account: to });
    token::on(cx, asset, |cx| token::mint(cx, to, amount))?;
    cx.emit(Issued { asset, to, amountFen: amount.0, memo })
}

fn destroy(cx: &mut Cx<'_>, asset: u32, from: Address, amount: Fen, memo: B256) -> Res<()> {
    let amount = positive(U256::from(amount.0))?;
    token::on(cx, asset, |cx| token::burn(cx, from, amount))?;
    cx.emit(Burnt { asset, from, amountFen: amount.0, memo })
}

fn set_aside(
    cx: &mut Cx<'_>,
    head: HoldHead,
    account: Address,
    holder: Address,
    memo: B256,
) -> Res<u64> {
    let amount = positive(U256::from(head.amount.0))?;
    let asset = head.asset;
    token::on(cx, asset, |cx| token::set_aside(cx, account, amount))?;
    let (index, row) = st().holds.push(cx)?;
    let hold = exact(index.checked_add(1))?;
    row.head.set(cx, HoldHead { state: HoldState::Held as u8, ..head })?;
    row.account.set(cx, account)?;
    row.holder.set(cx, holder)?;
    row.memo.set(cx, memo)?;
    cx.emit(Held { hold, asset, account, amountFen: amount.0, memo })?;
    Ok(hold)
}

/// The hold with this number, while it lasts.
fn lasting(cx: &mut Cx<'_>, hold: u64) -> Res<(HoldRow, HoldHead)> {
    let exists = hold != 0 && hold <= st().holds.len(cx)?;
    ensure!(exists, NoSuchHold { hold });
    let row = st().holds.of(hold.wrapping_sub(1));
    let head = row.head.get(cx)?;
    let state = HoldState::try_from(head.state).unwrap_or(HoldState::None);
    ensure!(state == HoldState::Held, HoldEnded { hold, state });
    Ok((row, head))
}

fn end_by_capture(cx: &mut Cx<'_>, hold: u64, to: Address, amount: Fen) -> Res<()> {
    let (row, mut head) = lasting(cx, hold)?;
    let holder = row.holder.get(cx)?;
    ensure!(cx.caller == holder, NotHolder { hold, holder });
    let amount = positive(U256::from(amount.0))?;
    ensure!(
        amount <= head.amount,
        OverHold { hold, heldFen: head.amount.0, askedFen: amount.0 }
    );
    ensure!(receives(cx.caller, to), BadAccount { account: to });
    let account = row.account.get(cx)?;
    let (held, memo) = (head.amount, row.memo.get(cx)?);
    token::on(cx, head.asset, |cx| {
        token::free(cx, account, held)?;
        token::shift(cx, account, to, amount, memo)
    })?;
    head.state = HoldState::Captured as u8;
    head.captured = amount;
    row.head.set(cx, head)?;
    let released = exact(held.checked_sub(amount))?;
    cx.emit(Captured { hold, to, amountFen: amount.0, releasedFen: released.0 })
}

fn end_by_release(cx: &mut Cx<'_>, hold: u64) -> Res<()> {
    let (row, mut head) = lasting(cx, hold)?;
    let (holder, account) = (row.holder.get(cx)?, row.account.get(cx)?);
    let expired = head.expires_at != 0 && cx.now() >= head.expires_at;
    let may = cx.caller == holder || (expired && owns(cx.caller, account));
    ensure!(may, NotHolder { hold, holder });
    token::on(cx, head.asset, |cx| token::free(cx, account, head.amount))?;
    head.state = HoldState::Released as u8;
    row.head.set(cx, head)?;
    cx.emit(Released { hold, amountFen: head.amount.0 })
}

fn create_asset(cx: &mut Cx<'_>, c: &createAssetCall) -> Res<u32> {
    roles::allow::<createAssetCall>(cx)?;
    open(cx, &c.name, &c.symbol, c.mandate)
}

fn issue_by_bank(cx: &mut Cx<'_>, c: &issueCall) -> Res<()> {
    roles::allow::<issueCall>(cx)?;
    existing(cx, c.asset)?;
    mint(cx, c.asset, c.to, Fen(c.amountFen), c.memo)
}

fn burn_by_bank(cx: &mut Cx<'_>, c: &burnCall) -> Res<()> {
    roles::allow::<burnCall>(cx)?;
    existing(cx, c.asset)?;
    let from = cx.caller;
    destroy(cx, c.asset, from, Fen(c.amountFen), c.memo)
}

fn hold_own(cx: &mut Cx<'_>, c: &holdCall) -> Res<u64> {
    existing(cx, c.asset)?;
    let expires_at = c.expiresAt;
    ensure!(expires_at == 0 || expires_at > cx.now(), BadExpiry { expiresAt: expires_at });
    ensure!(c.holder != Address::ZERO, BadAccount { account: c.holder });
    let head = HoldHead { asset: c.asset, amount: Fen(c.amountFen), expires_at, ..HoldHead::default() };
    let account = cx.caller;
    set_aside(cx, head, account, c.holder, c.memo)
}

fn assets(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<assetsReturn> {
    let len = u64::from(st().assets.get(cx)?);
    let (range, next) = page(cursor, limit, len);
    let mut items = Vec::new();
    for index in range {
        let id = u32::try_from(index).ok().and_then(|i| i.checked_add(1));
        items.push(asset(cx, exact(id)?)?);
    }
    Ok(assetsReturn { items, next })
}

fn asset(cx: &mut Cx<'_>, id: u32) -> Res<Asset> {
    existing(cx, id)?;
    let mandate = st().mandates.of(id).get(cx)?;
    let (name, symbol, supply) = token::on(cx, id, token::face)?;
    Ok(Asset { id, token: asset_address(id), name, symbol, supplyFen: supply.0, mandate })
}

fn hold_of(cx: &mut Cx<'_>, id: u64) -> Res<Hold> {
    let exists = id != 0 && id <= st().holds.len(cx)?;
    ensure!(exists, NoSuchHold { hold: id });
    let row = st().holds.of(id.wrapping_sub(1));
    let head = row.head.get(cx)?;
    Ok(Hold {
        id,
        asset: head.asset,
        holder: row.holder.get(cx)?,
        account: row.account.get(cx)?,
        amountFen: head.amount.0,
        capturedFen: head.captured.0,
        state: HoldState::try_from(head.state).unwrap_or(HoldState::None),
        memo: row.memo.get(cx)?,
        expiresAt: head.expires_at,
    })
}

fn balance_of(cx: &mut Cx<'_>, asset: u32, account: Address) -> Res<balanceReturn> {
    let (balance, held) = balances(cx, asset, account)?;
    Ok(balanceReturn { balanceFen: balance.0, heldFen: held.0 })
}

dispatch! { IMoney, cx;
    write createAssetCall(c) => create_asset(cx, &c)?;
    write issueCall(c) => issue_by_bank(cx, &c)?.into();
    write burnCall(c) => burn_by_bank(cx, &c)?.into();
    write holdCall(c) => hold_own(cx, &c)?;
    write captureCall(c) => end_by_capture(cx, c.id, c.to, Fen(c.amountFen))?.into();
    write releaseCall(c) => end_by_release(cx, c.id)?.into();
    view assetsCall(c) => assets(cx, c.cursor, c.limit)?;
    view assetCall(c) => asset(cx, c.id)?;
    view balanceCall(c) => balance_of(cx, c.ofAsset, c.account)?;
    view holdOfCall(c) => hold_of(cx, c.id)?;
}
