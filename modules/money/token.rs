//! One asset as an ERC-20. Its state lies at its own address, so that explorers and wallets read it
//! like any token.

use alloy_json_abi::JsonAbi;

use super::*;

alloy_sol_types::sol! { #[sol(abi, all_derives)] "money/IToken.sol" }

use IToken::*;

const DECIMALS: u8 = 2;

packed! {
    pub(super) struct Balance { total: Fen, held: Fen }
}
record! {
    pub(super) struct Token {
        supply: Slot<Fen>,
        name: Text,
        symbol: Text,
        balances: Map<Address, Slot<Balance>>,
        allowances: Map<Address, Map<Address, Slot<U256>>>,
    }
}
fn tk() -> Token {
    Token::at(U256::ZERO)
}

/// Interface of every asset.
pub fn abi() -> JsonAbi {
    IToken::abi::contract()
}

/// Address of asset `n`: `0x7755...nnnnnnnn...08`, the number in bytes 12 to 15.
pub fn asset_address(n: u32) -> Address {
    let mut bytes = *address::money.0;
    bytes[12..16].copy_from_slice(&n.to_be_bytes());
    Address::new(bytes)
}

/// Whether an address has the form of an asset's.
pub fn is_asset(at: &Address) -> bool {
    let n = u32::from_be_bytes([at[12], at[13], at[14], at[15]]);
    n != 0 && *at == asset_address(n)
}

/// Runs `f` on the storage of an asset, on behalf of whoever called.
pub(super) fn on<T>(cx: &mut Cx<'_>, asset: u32, f: impl FnOnce(&mut Cx<'_>) -> Res<T>) -> Res<T> {
    cx.on(asset_address(asset), f)
}

pub(super) fn name_it(cx: &mut Cx<'_>, name: &str, symbol: &str) -> Res<()> {
    tk().name.set(cx, name)?;
    tk().symbol.set(cx, symbol)
}

/// Name, symbol and supply.
pub(super) fn face(cx: &mut Cx<'_>) -> Res<(String, String, Fen)> {
    Ok((tk().name.get(cx)?, tk().symbol.get(cx)?, tk().supply.get(cx)?))
}

/// Balance and the part of it that is held.
pub(super) fn balances(cx: &mut Cx<'_>, who: Address) -> Res<(Fen, Fen)> {
    let balance = tk().balances.of(who).get(cx)?;
    Ok((balance.total, balance.held))
}

pub(super) fn mint(cx: &mut Cx<'_>, to: Address, amount: Fen) -> Res<()> {
    tk().supply.add(cx, amount)?;
    give(cx, to, amount)?;
    cx.emit(Transfer { from: Address::ZERO, to, value: U256::from(amount.0) })
}

pub(super) fn burn(cx: &mut Cx<'_>, from: Address, amount: Fen) -> Res<()> {
    take(cx, from, amount)?;
    tk().supply.sub(cx, amount)?;
    cx.emit(Transfer { from, to: Address::ZERO, value: U256::from(amount.0) })
}

/// Moves money that is not held, with a memo where there is one.
pub(super) fn shift(
    cx: &mut Cx<'_>,
    from: Address,
    to: Address,
    amount: Fen,
    memo: B256,
) -> Res<()> {
    take(cx, from, amount)?;
    give(cx, to, amount)?;
    let value = U256::from(amount.0);
    cx.emit(Transfer { from, to, value })?;
    if memo != B256::ZERO {
        cx.emit(TransferWithMemo { from, to, value, memo })?;
    }
    Ok(())
}

pub(super) fn set_aside(cx: &mut Cx<'_>, account: Address, amount: Fen) -> Res<()> {
    let place = tk().balances.of(account);
    let mut balance = place.get(cx)?;
    available(&balance, account, amount)?;
    balance.held = exact(balance.held.checked_add(amount))?;
    place.set(cx, balance)
}

pub(super) fn free(cx: &mut Cx<'_>, account: Address, amount: Fen) -> Res<()> {
    let place = tk().balances.of(account);
    let mut balance = place.get(cx)?;
    balance.held = exact(balance.held.checked_sub(amount))?;
    place.set(cx, balance)
}

/// Refuses unless the account has this much that is not held.
fn available(balance: &Balance, account: Address, amount: Fen) -> Res<Fen> {
    let free = exact(balance.total.checked_sub(balance.held))?;
    ensure!(amount <= free, NotEnough { account, availableFen: free.0, askedFen: amount.0 });
    Ok(free)
}

fn take(cx: &mut Cx<'_>, from: Address, amount: Fen) -> Res<()> {
    let place = tk().balances.of(from);
    let mut balance = place.get(cx)?;
    available(&balance, from, amount)?;
    balance.total = exact(balance.total.checked_sub(amount))?;
    place.set(cx, balance)
}

fn give(cx: &mut Cx<'_>, to: Address, amount: Fen) -> Res<()> {
    let place = tk().balances.of(to);
    let mut balance = place.get(cx)?;
    balance.total = exact(balance.total.checked_add(amount))?;
    place.set(cx, balance)
}

/// A transfer as ERC-20 knows it: nothing is an amount too, and refusals are those of ERC-6093.
fn send(cx: &mut Cx<'_>, from: Address, to: Address, value: U256, memo: B256) -> Res<bool> {
    ensure!(receives(cx.caller, to), ERC20InvalidReceiver { receiver: to });
    let balance = tk().balances.of(from).get(cx)?;
    let free = exact(balance.total.checked_sub(balance.held))?;
    let amount = Fen(u64::try_from(value).unwrap_or(u64::MAX));
    ensure!(
        amount <= free && U256::from(amount.0) == value,
        ERC20InsufficientBalance { sender: from, balance: U256::from(free.0), needed: value }
    );
    shift(cx, from, to, amount, memo)?;
    Ok(true)
}

fn approve(cx: &mut Cx<'_>, spender: Address, value: U256) -> Res<bool> {
    let owner = cx.caller;
    tk().allowances.of(owner).of(spender).set(cx, value)?;
    cx.emit(Approval { owner, spender, value })?;
    Ok(true)
}

fn transfer_from(cx: &mut Cx<'_>, from: Address, to: Address, value: U256) -> Res<bool> {
    let spender = cx.caller;
    ensure!(!from.is_zero(), ERC20InvalidSender { sender: from });
    let place = tk().allowances.of(from).of(spender);
    let allowance = place.get(cx)?;
    // An unlimited allowance is not used up, as wallets expect.
    if allowance != U256::MAX {
        let rest = allowance.checked_sub(value);
        let Some(rest) = rest else {
            return Err(ERC20InsufficientAllowance { spender, allowance, needed: value }.into());
        };
        place.set(cx, rest)?;
    }
    send(cx, from, to, value, B256::ZERO)
}

dispatch! { IToken, cx;
    view nameCall(_) => tk().name.get(cx)?;
    view symbolCall(_) => tk().symbol.get(cx)?;
    view decimalsCall(_) => DECIMALS;
    view totalSupplyCall(_) => U256::from(tk().supply.get(cx)?.0);
    view balanceOfCall(c) => U256::from(tk().balances.of(c.account).get(cx)?.total.0);
    view allowanceCall(c) => tk().allowances.of(c.owner).of(c.spender).get(cx)?;
    write transferCall(c) => { let from = cx.caller; send(cx, from, c.to, c.value, B256::ZERO)? };
    write approveCall(c) => approve(cx, c.spender, c.value)?;
    write transferFromCall(c) => transfer_from(cx, c.from, c.to, c.value)?;
    write transferWithMemoCall(c) => { let from = cx.caller; send(cx, from, c.to, c.value, c.memo)? };
}
