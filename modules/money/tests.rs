//! Supply, holds and the ERC-20 face of an asset.

use std::collections::BTreeMap;

use alloy_sol_types::{SolError, SolEvent};
use proptest::prelude::*;
use tulou_slots::Memory;

use super::*;
use crate::roles::IRoles::NotPermitted;
use token::IToken::{
    self, ERC20InsufficientAllowance, ERC20InsufficientBalance, ERC20InvalidReceiver, ERC20InvalidSender,
};

const AT: Address = address::money;
const MANDATE: Address = crate::system_address(0x0c);
const OTHER_MODULE: Address = crate::system_address(0x0d);
const BANK: Address = Address::repeat_byte(0xba);
const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);
const START: u64 = 1_772_294_400;
const MEMO: B256 = B256::repeat_byte(0x3e);

fn start() -> Memory {
    let mut m = Memory::default();
    m.now = START;
    let permits: Vec<_> = PERMITS.iter().map(|permit| (AT, *permit)).collect();
    let offices = [(Office::Bank, BANK, START + 1_000 * 86_400)];
    m.run(address::roles, Address::ZERO, |cx| roles::genesis(cx, &offices, &permits)).unwrap();
    m.run(AT, Address::ZERO, |cx| genesis(cx, MANDATE)).unwrap();
    m
}

/// A start at which Alice has 100.00.
fn funded() -> Memory {
    let mut m = start();
    bank(&mut m, &issueCall { asset: CNY, to: ALICE, amountFen: 10_000, memo: MEMO }).unwrap();
    m
}

fn money<Call: SolCall>(m: &mut Memory, who: Address, call: &Call) -> Res<Call::Return> {
    m.call(AT, entry, who, call)
}

fn bank<Call: SolCall>(m: &mut Memory, call: &Call) -> Res<Call::Return> {
    money(m, BANK, call)
}

fn token<Call: SolCall>(m: &mut Memory, who: Address, call: &Call) -> Res<Call::Return> {
    m.call(asset_address(CNY), token_entry, who, call)
}

fn refused<Error: SolError>(result: Res<impl Sized>) -> Error {
    let Err(fault) = result else { panic!("it went through") };
    fault.refusal().unwrap_or_else(|| panic!("another refusal: {fault:?}"))
}

/// Balance and held part.
fn has(m: &mut Memory, account: Address) -> (u64, u64) {
    let found = money(m, BOB, &balanceCall { ofAsset: CNY, account }).unwrap();
    (found.balanceFen, found.heldFen)
}

fn supply(m: &mut Memory) -> U256 {
    token(m, BOB, &IToken::totalSupplyCall {}).unwrap()
}

/// As a module that calls down.
fn module<T>(m: &mut Memory, who: Address, f: impl FnOnce(&mut Cx<'_>) -> Res<T>) -> Res<T> {
    m.run(who, ALICE, f)
}

fn hold_call(amount: u64, expires: u64) -> holdCall {
    holdCall { asset: CNY, holder: BOB, amountFen: amount, memo: MEMO, expiresAt: expires }
}

#[test]
fn the_first_asset_is_callable_and_says_what_it_is() {
    let mut m = start();
    assert!(m.marked.contains(&asset_address(CNY)));
    assert_eq!(token(&mut m, BOB, &IToken::symbolCall {}).unwrap(), "CNY");
    assert_eq!(token(&mut m, BOB, &IToken::decimalsCall {}).unwrap(), 2);
    let asset = money(&mut m, BOB, &assetCall { id: CNY }).unwrap();
    assert_eq!((asset.token, asset.supplyFen, asset.mandate), (asset_address(CNY), 0, MANDATE));
    assert_eq!(money(&mut m, BOB, &assetsCall { cursor: 0, limit: 9 }).unwrap().items, [asset]);
    assert!(is_asset(&asset_address(7)) && !is_asset(&AT) && !is_asset(&MANDATE));
    assert!(crate::route(&asset_address(CNY)).is_some());
}

#[test]
fn a_passed_decision_opens_an_asset() {
    let mut m = start();
    let create = |name: &str, symbol: &str| createAssetCall {
        name: name.into(),
        symbol: symbol.into(),
        mandate: Address::ZERO,
    };
    refused::<NotPermitted>(money(&mut m, BANK, &create("", "")));
    for (name, symbol) in [("", "X"), ("x", ""), (&*"n".repeat(32), "X")] {
        let bad: BadName = refused(money(&mut m, crate::DECISIONS, &create(name, symbol)));
        assert_eq!(bad.symbol, symbol);
    }
    assert_eq!(money(&mut m, crate::DECISIONS, &create(&"n".repeat(31), "PTS")).unwrap(), 2);
    assert!(m.marked.contains(&asset_address(2)));
    // Nobody has a mandate without one, not even the zero address.
    for who in [MANDATE, Address::ZERO] {
        let none: NoMandate = refused(module(&mut m, who, |cx| issue(cx, 2, ALICE, Fen(1), MEMO)));
        assert_eq!((none.asset, none.account), (2, who));
    }
}

#[test]
fn only_the_bank_and_the_mandate_change_the_supply() {
    // M-4
    let mut m = start();
    let issued = issueCall { asset: CNY, to: ALICE, amountFen: 10_000, memo: MEMO };
    refused::<NotPermitted>(money(&mut m, ALICE, &issued));
    assert_eq!(
        refused::<NoSuchAsset>(bank(&mut m, &issueCall { asset: 2, ..issued.clone() })).asset,
        2
    );
    let nothing = issueCall { amountFen: 0, to: Address::ZERO, ..issued.clone() };
    assert_eq!(refused::<BadAmount>(bank(&mut m, &nothing)).amount, U256::ZERO);
    let nowhere = issueCall { to: Address::ZERO, ..issued.clone() };
    assert_eq!(refused::<BadAccount>(bank(&mut m, &nowhere)).account, Address::ZERO);
    bank(&mut m, &issued).unwrap();
    module(&mut m, MANDATE, |cx| issue(cx, CNY, sub_account(MANDATE, 1), Fen(500), MEMO)).unwrap();
    assert_eq!(supply(&mut m), U256::from(10_500));
    let full = issueCall { amountFen: u64::MAX - 10_499, ..issued };
    assert_eq!(bank(&mut m, &full).map(drop), Err(Fault::overflow()));

    let burnt = burnCall { asset: CNY, amountFen: 1, memo: MEMO };
    refused::<NotPermitted>(money(&mut m, ALICE, &burnt));
    assert_eq!(refused::<NotEnough>(bank(&mut m, &burnt)).availableFen, 0);
    let others = module(&mut m, MANDATE, |cx| burn(cx, CNY, ALICE, Fen(1), MEMO));
    assert_eq!(refused::<NotYourAccount>(others).account, ALICE);
    module(&mut m, MANDATE, |cx| burn(cx, CNY, sub_account(MANDATE, 1), Fen(500), MEMO)).unwrap();
    assert_eq!(supply(&mut m), U256::from(10_000));
}

#[test]
fn a_module_alone_moves_the_money_of_its_sub_accounts() {
    let mut m = start();
    let own = sub_account(MANDATE, 1);
    module(&mut m, MANDATE, |cx| issue(cx, CNY, own, Fen(500), MEMO)).unwrap();
    for thief in [OTHER_MODULE, ALICE] {
        let taken = module(&mut m, thief, |cx| transfer(cx, CNY, own, thief, Fen(1), MEMO));
        assert_eq!(refused::<NotYourAccount>(taken).caller, thief);
        let taken = module(&mut m, thief, |cx| hold(cx, CNY, own, Fen(1), MEMO));
        assert_eq!(refused::<NotYourAccount>(taken).caller, thief);
    }
    let other = sub_account(MANDATE, 2);
    assert_ne!(own, other);
    module(&mut m, MANDATE, |cx| transfer(cx, CNY, own, other, Fen(200), MEMO)).unwrap();
    let nowhere = module(&mut m, MANDATE, |cx| transfer(cx, CNY, own, Address::ZERO, Fen(1), MEMO));
    assert_eq!(refused::<BadAccount>(nowhere).account, Address::ZERO);
    assert_eq!((has(&mut m, own), has(&mut m, other)), ((300, 0), (200, 0)));
}

#[test]
fn nobody_pays_into_the_sub_accounts_of_a_module() {
    let mut m = funded();
    let to = sub_account(MANDATE, 1);
    let one = U256::ONE;
    let issued = issueCall { asset: CNY, to, amountFen: 1, memo: MEMO };
    assert_eq!(refused::<BadAccount>(bank(&mut m, &issued)).account, to);
    let sent = token(&mut m, ALICE, &IToken::transferCall { to, value: one });
    assert_eq!(refused::<ERC20InvalidReceiver>(sent).receiver, to);
    let sent = token(&mut m, ALICE, &IToken::transferWithMemoCall { to, value: one, memo: MEMO });
    assert_eq!(refused::<ERC20InvalidReceiver>(sent).receiver, to);
    token(&mut m, ALICE, &IToken::approveCall { spender: BOB, value: one }).unwrap();
    let sent = token(&mut m, BOB, &IToken::transferFromCall { from: ALICE, to, value: one });
    assert_eq!(refused::<ERC20InvalidReceiver>(sent).receiver, to);
    let hold = money(&mut m, ALICE, &hold_call(4_000, 0)).unwrap();
    let captured = money(&mut m, BOB, &captureCall { id: hold, to, amountFen: 1 });
    assert_eq!(refused::<BadAccount>(captured).account, to);
    // Somebody's address may begin like one.
    let mut lucky = to;
    lucky.0[3] = 1;
    assert!(token(&mut m, ALICE, &IToken::transferCall { to: lucky, value: U256::ZERO }).unwrap());
    // Another module's, too.
    let theirs = sub_account(OTHER_MODULE, 1);
    module(&mut m, MANDATE, |cx| issue(cx, CNY, to, Fen(5), MEMO)).unwrap();
    let sent = module(&mut m, MANDATE, |cx| transfer(cx, CNY, to, theirs, Fen(1), MEMO));
    assert_eq!(refused::<BadAccount>(sent).account, theirs);
    assert_eq!((has(&mut m, to), has(&mut m, ALICE)), ((5, 0), (10_000, 4_000)));
}

#[test]
fn held_money_stays_in_the_balance_and_cannot_be_spent() {
    let mut m = funded();
    let past: BadExpiry = refused(money(&mut m, ALICE, &hold_call(4_000, START)));
    assert_eq!(past.expiresAt, START);
    let hold = money(&mut m, ALICE, &hold_call(4_000, START + 10)).unwrap();
    assert_eq!(has(&mut m, ALICE), (10_000, 4_000));
    assert_eq!(
        token(&mut m, BOB, &IToken::balanceOfCall { account: ALICE }).unwrap(),
        U256::from(10_000)
    );
    let send = |value: u64| IToken::transferCall { to: BOB, value: U256::from(value) };
    let short: ERC20InsufficientBalance = refused(token(&mut m, ALICE, &send(6_001)));
    assert_eq!((short.balance, short.needed), (U256::from(6_000), U256::from(6_001)));
    let more: NotEnough = refused(money(&mut m, ALICE, &hold_call(6_001, 0)));
    assert_eq!((more.availableFen, more.askedFen), (6_000, 6_001));
    token(&mut m, ALICE, &send(6_000)).unwrap();
    assert_eq!(has(&mut m, ALICE), (4_000, 4_000));
    // A part is captured, the rest is free again, and the hold is over (M-3).
    money(&mut m, BOB, &captureCall { id: hold, to: BOB, amountFen: 2_500 }).unwrap();
    assert_eq!((has(&mut m, ALICE), has(&mut m, BOB)), ((1_500, 0), (8_500, 0)));
    let ended = money(&mut m, ALICE, &holdOfCall { id: hold }).unwrap();
    assert_eq!(
        (ended.state, ended.amountFen, ended.capturedFen),
        (HoldState::Captured, 4_000, 2_500)
    );
    let again = money(&mut m, BOB, &releaseCall { id: hold });
    assert_eq!(refused::<HoldEnded>(again).state, HoldState::Captured);
}

#[test]
fn ends_of_holds_are_refused_in_order_of_precedence() {
    let mut m = funded();
    let hold = money(&mut m, ALICE, &hold_call(4_000, START + 10)).unwrap();
    let capture = |id, amount| captureCall { id, to: BOB, amountFen: amount };
    for id in [0, 2, u64::MAX] {
        assert_eq!(refused::<NoSuchHold>(money(&mut m, ALICE, &capture(id, 0))).hold, id);
        assert_eq!(refused::<NoSuchHold>(money(&mut m, ALICE, &releaseCall { id })).hold, id);
    }
    assert_eq!(refused::<NotHolder>(money(&mut m, ALICE, &capture(hold, 0))).holder, BOB);
    assert_eq!(refused::<BadAmount>(money(&mut m, BOB, &capture(hold, 0))).amount, U256::ZERO);
    let over: OverHold = refused(money(&mut m, BOB, &capture(hold, 4_001)));
    assert_eq!((over.heldFen, over.askedFen), (4_000, 4_001));
    let nowhere = captureCall { id: hold, to: Address::ZERO, amountFen: 1 };
    assert_eq!(refused::<BadAccount>(money(&mut m, BOB, &nowhere)).account, Address::ZERO);
    // The owner's turn comes with the expiry, and not one second earlier.
    m.now = START + 9;
    assert_eq!(refused::<NotHolder>(money(&mut m, ALICE, &releaseCall { id: hold })).holder, BOB);
    m.now = START + 10;
    refused::<NotHolder>(money(&mut m, BANK, &releaseCall { id: hold }));
    money(&mut m, ALICE, &releaseCall { id: hold }).unwrap();
    assert_eq!(has(&mut m, ALICE), (10_000, 0));
    assert_eq!(
        refused::<HoldEnded>(money(&mut m, BOB, &capture(hold, 1))).state,
        HoldState::Released
    );
    // Without an expiry the owner waits for the holder.
    let lasting = money(&mut m, ALICE, &hold_call(1, 0)).unwrap();
    m.now = u64::MAX;
    refused::<NotHolder>(money(&mut m, ALICE, &releaseCall { id: lasting }));
}

#[test]
fn a_wallet_sees_an_ordinary_token() {
    let mut m = funded();
    m.logs.clear();
    let (hundred, max) = (U256::from(100), U256::MAX);
    let nowhere = IToken::transferCall { to: Address::ZERO, value: max };
    assert_eq!(
        refused::<ERC20InvalidReceiver>(token(&mut m, ALICE, &nowhere)).receiver,
        Address::ZERO
    );
    let all = IToken::transferCall { to: BOB, value: max };
    assert_eq!(refused::<ERC20InsufficientBalance>(token(&mut m, ALICE, &all)).needed, max);
    assert!(token(&mut m, ALICE, &IToken::transferCall { to: BOB, value: U256::ZERO }).unwrap());
    assert!(token(&mut m, ALICE, &IToken::transferCall { to: ALICE, value: hundred }).unwrap());
    assert_eq!(has(&mut m, ALICE), (10_000, 0));
    // A transfer of nothing from nobody would be told like an issue (M-4).
    let issue = IToken::transferFromCall { from: Address::ZERO, to: BOB, value: U256::ZERO };
    let from_nobody: ERC20InvalidSender = refused(token(&mut m, BOB, &issue));
    assert_eq!(from_nobody.sender, Address::ZERO);
    let from = IToken::transferFromCall { from: ALICE, to: BOB, value: hundred };
    let none: ERC20InsufficientAllowance = refused(token(&mut m, BOB, &from));
    assert_eq!((none.spender, none.allowance, none.needed), (BOB, U256::ZERO, hundred));
    token(&mut m, ALICE, &IToken::approveCall { spender: BOB, value: U256::from(150) }).unwrap();
    token(&mut m, BOB, &from).unwrap();
    refused::<ERC20InsufficientAllowance>(token(&mut m, BOB, &from));
    let left = IToken::allowanceCall { owner: ALICE, spender: BOB };
    assert_eq!(token(&mut m, BOB, &left).unwrap(), U256::from(50));
    // An unlimited allowance is not used up.
    token(&mut m, ALICE, &IToken::approveCall { spender: BOB, value: max }).unwrap();
    token(&mut m, BOB, &from).unwrap();
    assert_eq!(token(&mut m, BOB, &left).unwrap(), max);
    let memo = IToken::transferWithMemoCall { to: BOB, value: hundred, memo: MEMO };
    token(&mut m, ALICE, &memo).unwrap();
    let events = |signature| m.logs.iter().filter(|(_, log)| log.topics()[0] == signature).count();
    assert_eq!(events(IToken::Transfer::SIGNATURE_HASH), 5);
    assert_eq!(events(IToken::Approval::SIGNATURE_HASH), 2);
    assert_eq!(events(IToken::TransferWithMemo::SIGNATURE_HASH), 1);
    assert!(m.logs.iter().all(|(at, _)| *at == asset_address(CNY)));
}

/// One thing that anyone may try.
#[derive(Clone, Debug)]
enum Step {
    Issue(u8, u64),
    Burn(u64),
    Send(u8, u8, u64),
    Hold(u8, u8, u64),
    Capture(u8, u8, u64, u64),
    Release(u8, u64),
}

fn step() -> impl Strategy<Value = Step> {
    let (who, amount, hold) = (|| 0u8..4, || 0u64..2_000, || 0u64..12);
    prop_oneof![
        (who(), amount()).prop_map(|(to, a)| Step::Issue(to, a)),
        amount().prop_map(Step::Burn),
        (who(), who(), amount()).prop_map(|(from, to, a)| Step::Send(from, to, a)),
        (who(), who(), amount()).prop_map(|(from, holder, a)| Step::Hold(from, holder, a)),
        (who(), who(), hold(), amount()).prop_map(|(by, to, h, a)| Step::Capture(by, to, h, a)),
        (who(), hold()).prop_map(|(by, h)| Step::Release(by, h)),
    ]
}

/// The bank, and three residents.
const PEOPLE: [Address; 4] = [BANK, ALICE, BOB, Address::repeat_byte(0xc0)];

fn take(m: &mut Memory, step: &Step) -> Res<()> {
    let who = |index: u8| PEOPLE[usize::from(index)];
    match *step {
        Step::Issue(to, amount) => {
            bank(m, &issueCall { asset: CNY, to: who(to), amountFen: amount, memo: MEMO }).map(drop)
        }
        Step::Burn(amount) => {
            bank(m, &burnCall { asset: CNY, amountFen: amount, memo: MEMO }).map(drop)
        }
        Step::Send(from, to, amount) => {
            let call = IToken::transferCall { to: who(to), value: U256::from(amount) };
            token(m, who(from), &call).map(drop)
        }
        Step::Hold(from, holder, amount) => {
            money(m, who(from), &holdCall { holder: who(holder), ..hold_call(amount, 0) }).map(drop)
        }
        Step::Capture(by, to, id, amount) => {
            money(m, who(by), &captureCall { id, to: who(to), amountFen: amount }).map(drop)
        }
        Step::Release(by, id) => money(m, who(by), &releaseCall { id }).map(drop),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// M-1, M-2, M-3: balances add up to the supply, and what is held is the sum of lasting holds.
    #[test]
    fn nothing_is_made_or_lost_but_by_the_bank(steps in prop::collection::vec(step(), 1..60)) {
        let mut m = funded();
        let mut issued = 10_000;
        for step in &steps {
            let went = take(&mut m, step);
            prop_assert!(!matches!(went, Err(Fault::Fatal(_))), "{step:?}: {went:?}");
            match (went, step) {
                (Ok(()), Step::Issue(_, amount)) => issued += amount,
                (Ok(()), Step::Burn(amount)) => issued -= amount,
                _ => {}
            }
            let mut held: BTreeMap<Address, u64> = BTreeMap::new();
            let mut id = 1;
            while let Ok(found) = money(&mut m, BOB, &holdOfCall { id }) {
                if found.state == HoldState::Held {
                    *held.entry(found.account).or_default() += found.amountFen;
                }
                id += 1;
            }
            let mut sum = 0;
            for account in PEOPLE {
                let (total, aside) = has(&mut m, account);
                prop_assert!(aside <= total);
                prop_assert_eq!(aside, held.get(&account).copied().unwrap_or_default());
                sum += total;
            }
            prop_assert_eq!((supply(&mut m), sum), (U256::from(issued), issued));
        }
    }
}
