//! M-1 to M-4: every balance worked out again from the transfers, every hold from its events.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use tulou_modules::{
    address,
    money::{
        IMoney::{self, HoldState},
        IToken, asset_address, is_asset,
    },
    prelude::Office,
    roles::IRoles,
};
use tulou_slots::Logged;

use super::{ask, event};
use crate::play::{Kept, Seen, keep};

#[derive(Clone, Copy, Debug)]
struct Hold {
    asset: u32,
    account: Address,
    amount: u64,
    state: HoldState,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    /// By asset's own address and account.
    balances: BTreeMap<(Address, Address), U256>,
    holds: Vec<Hold>,
}

impl Model {
    pub(super) fn begin(logs: &[Logged]) -> Self {
        let mut model = Self::default();
        for log in logs {
            model.learn(log).expect("the founding keeps the invariants");
        }
        model
    }

    fn learn(&mut self, log: &Logged) -> Kept {
        if is_asset(&log.0)
            && let Some(moved) = event::<IToken::Transfer>(log, log.0)
        {
            if !moved.from.is_zero() {
                let balance = self.balances.entry((log.0, moved.from)).or_default();
                let rest = balance.checked_sub(moved.value);
                keep!("M-1", rest.is_some(), "{} pays {} of {balance}", moved.from, moved.value);
                *balance = rest.unwrap_or_default();
            }
            if !moved.to.is_zero() {
                *self.balances.entry((log.0, moved.to)).or_default() += moved.value;
            }
        }
        let at = address::money;
        if let Some(held) = event::<IMoney::Held>(log, at) {
            keep!("M-3", held.hold == self.holds.len() as u64 + 1, "hold {} comes next", held.hold);
            let (asset, account, amount) = (held.asset, held.account, held.amountFen);
            self.holds.push(Hold { asset, account, amount, state: HoldState::Held });
        }
        let captured = event::<IMoney::Captured>(log, at);
        let released = event::<IMoney::Released>(log, at);
        let captured = captured.map(|event| (event.hold, HoldState::Captured));
        let ended = captured.or(released.map(|event| (event.hold, HoldState::Released)));
        if let Some((id, state)) = ended {
            let hold = self.holds.get_mut(id as usize - 1);
            let lasts = hold.as_ref().is_some_and(|hold| hold.state == HoldState::Held);
            keep!("M-3", lasts, "hold {id} ends, which does not last");
            if let Some(hold) = hold {
                hold.state = state;
            }
        }
        Ok(())
    }

    pub(super) fn after(&mut self, seen: &mut Seen<'_>) -> Kept {
        let mut supply_changed = false;
        for log in seen.logs {
            may_end(log, seen)?;
            self.learn(log)?;
            let moved = event::<IToken::Transfer>(log, log.0).filter(|_| is_asset(&log.0));
            supply_changed |= moved.is_some_and(|moved| moved.from.is_zero() || moved.to.is_zero());
        }
        if supply_changed {
            let call = IRoles::officesOfCall { account: seen.caller() };
            let held = ask(seen.before, address::roles, &call)?;
            keep!("M-4", held & Office::Bank.bit() != 0, "{} changes a supply", seen.caller());
        }
        if seen.concerns(address::money) || seen.touched.iter().any(is_asset) {
            self.check(seen)?;
        }
        Ok(())
    }

    fn check(&mut self, seen: &mut Seen<'_>) -> Kept {
        let mut sums: BTreeMap<Address, U256> = BTreeMap::new();
        let mut held: BTreeMap<(Address, Address), u128> = BTreeMap::new();
        for (number, hold) in (1u64..).zip(&self.holds) {
            if hold.state == HoldState::Held {
                let key = (asset_address(hold.asset), hold.account);
                *held.entry(key).or_default() += u128::from(hold.amount);
            }
            let shown = ask(seen.after, address::money, &IMoney::holdOfCall { id: number })?;
            let same = (shown.state, shown.amountFen) == (hold.state, hold.amount);
            keep!(
                "M-3",
                same,
                "hold {number} is {:?}, its events say {:?}",
                shown.state,
                hold.state
            );
            let fits = shown.capturedFen <= shown.amountFen;
            keep!("M-2", fits, "more of hold {number} is captured than held");
        }
        let all = super::all_of!(seen.after, address::money, IMoney::assetsCall {})?;
        for ((token, account), balance) in &self.balances {
            *sums.entry(*token).or_default() += *balance;
            let id = all.iter().find(|asset| asset.token == *token).map_or(0, |asset| asset.id);
            let call = IMoney::balanceCall { ofAsset: id, account: *account };
            let shown = ask(seen.after, address::money, &call)?;
            let same = U256::from(shown.balanceFen) == *balance;
            keep!("M-1", same, "{account} has {}, its transfers say {balance}", shown.balanceFen);
            let lasting = held.get(&(*token, *account)).copied().unwrap_or_default();
            let same = u128::from(shown.heldFen) == lasting;
            keep!(
                "M-2",
                same,
                "{} is held of {account}, lasting holds are {lasting}",
                shown.heldFen
            );
            let fits = shown.heldFen <= shown.balanceFen;
            keep!("M-2", fits, "{} of {} is held of {account}", shown.heldFen, shown.balanceFen);
        }
        for asset in all {
            let sum = sums.get(&asset.token).copied().unwrap_or_default();
            let same = sum == U256::from(asset.supplyFen);
            keep!("M-1", same, "the supply is {}, the balances add up to {sum}", asset.supplyFen);
        }
        Ok(())
    }
}

/// A hold is captured by its holder, and released by the holder or, after its expiry, by whose money it is.
fn may_end(log: &Logged, seen: &mut Seen<'_>) -> Kept {
    let captured = event::<IMoney::Captured>(log, address::money).map(|event| event.hold);
    let released = event::<IMoney::Released>(log, address::money).map(|event| event.hold);
    let Some(id) = captured.or(released) else { return Ok(()) };
    let hold = ask(seen.before, address::money, &IMoney::holdOfCall { id })?;
    let expired = hold.expiresAt != 0 && hold.expiresAt <= seen.after.now;
    let caller = seen.caller();
    let may = caller == hold.holder
        || (captured.is_none() && expired && caller == hold.account)
        // A module ends its own holds, whoever called the module.
        || tulou_modules::is_native(&hold.holder);
    keep!("M-3", may, "{caller} ends hold {id} of {}", hold.holder);
    Ok(())
}
