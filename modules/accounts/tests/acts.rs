//! What a key may sign, and what is counted of it.

use alloy_json_abi::StateMutability;
use alloy_sol_types::SolError as _;
use money::{IMoney, IToken};

use super::*;
use crate::accounts::act::{ALWAYS, Face, NEVER, SPENDS, is_never};

fn asks(m: &mut Memory, key: Address, acts: &[(Address, Vec<u8>)]) -> Res<Fen> {
    let now = m.now;
    let acts: Vec<Act<'_>> = acts
        .iter()
        .map(|(to, input)| Act { to: Some(*to), value: U256::ZERO, input })
        .collect();
    m.run(STRANGER, STRANGER, |cx| may_act(cx, ME, (key, Suite::P256), &acts, now))
}

fn spends(m: &mut Memory, amount: u64) -> Res<()> {
    call(m, ME, &useKeyCall { key: PHONE, amountFen: U256::from(amount) }).map(drop)
}

fn pay(amount: u64) -> Vec<u8> {
    IToken::transferCall { to: SON, value: U256::from(amount) }.abi_encode()
}

#[track_caller]
fn is<E: alloy_sol_types::SolError>(answer: Res<impl core::fmt::Debug>) -> E {
    let fault = answer.unwrap_err();
    fault.refusal().unwrap_or_else(|| panic!("{fault:?} instead of {}", E::SIGNATURE))
}

#[test]
fn a_key_acts_from_its_authorisation_to_the_second_before_its_expiry() {
    let mut m = start();
    is::<NoSuchKey>(asks(&mut m, PHONE, &[(token(), pay(1))]));
    authorise(&mut m, phone());
    for (now, acts) in [(NOW, true), (NOW + 100 * DAY - 1, true), (NOW + 100 * DAY, false)] {
        m.now = now;
        let answer = asks(&mut m, PHONE, &[(token(), pay(1))]);
        assert_eq!(answer.is_ok(), acts, "{now}");
        if let Err(fault) = answer {
            let KeyOver { overAt, .. } = fault.refusal().unwrap();
            assert_eq!(overAt, NOW + 100 * DAY);
        }
    }
    m.now = NOW;
    done(&mut m, ME, &revokeKeyCall { account: ME, key: PHONE });
    let KeyOver { overAt, .. } = is(asks(&mut m, PHONE, &[(token(), pay(1))]));
    assert_eq!(overAt, NOW);
    // Another account's key is no key of this one.
    done(&mut m, SON, &authoriseKeyCall { grant: Grant { key: TABLET, ..phone() } });
    is::<NoSuchKey>(asks(&mut m, TABLET, &[(token(), pay(1))]));
}

#[test]
fn a_key_signs_as_it_was_authorised_and_within_its_scope() {
    let mut m = start();
    let transfer = IToken::transferCall::SELECTOR;
    let scope = vec![Scope { target: token(), selector: transfer.into() }, everything(STRANGER)];
    authorise(&mut m, Grant { scope, ..phone() });
    assert_eq!(asks(&mut m, PHONE, &[(token(), pay(7)), (STRANGER, vec![])]), Ok(Fen(7)));
    let approve = IToken::approveCall { spender: SON, value: U256::ONE }.abi_encode();
    let other = money::asset_address(2);
    for (to, input) in [(token(), approve), (token(), vec![]), (other, pay(1)), (SON, vec![1; 4])] {
        let found: OutOfScope = is(asks(&mut m, PHONE, &[(token(), pay(1)), (to, input)]));
        assert_eq!((found.account, found.key, found.target), (ME, PHONE, to));
    }
    let mut one = |suite, to, value: u64| {
        let act = Act { to, value: U256::from(value), input: &[] };
        m.run(STRANGER, STRANGER, |cx| may_act(cx, ME, (PHONE, suite), &[act], NOW))
    };
    assert_eq!(one(Suite::P256, Some(STRANGER), 0), Ok(Fen(0)));
    is::<OutOfScope>(one(Suite::P256, Some(STRANGER), 1));
    is::<NeverForKeys>(one(Suite::P256, None, 0));
    is::<NeverForKeys>(one(Suite::P256, Some(ME), 0));
    is::<BadSuite>(one(Suite::WebAuthn, Some(STRANGER), 0));
}

#[test]
fn whole_modules_leave_out_what_needs_the_root_key() {
    let mut m = start();
    let scope = vec![everything(address::decisions), everything(address::registry)];
    authorise(&mut m, Grant { scope, ..phone() });
    let cast = decisions::IDecisions::castCall { motion: 1, choice: 1 }.abi_encode();
    let open = decisions::IDecisions::openCall { motion: 1 }.abi_encode();
    let object = IRegistry::objectCall { roll: 1, unit: 1, reasonHash: PAPER }.abi_encode();
    let post = IRegistry::postRollCall {}.abi_encode();
    assert!(asks(&mut m, PHONE, &[(address::decisions, open), (address::registry, object)]).is_ok());
    is::<NeverForKeys>(asks(&mut m, PHONE, &[(address::decisions, cast)]));
    is::<NeverForKeys>(asks(&mut m, PHONE, &[(address::registry, post)]));
    // What stops harm needs no scope; the rest of this module is never a device key's.
    let veto = vetoRecoveryCall { account: ME }.abi_encode();
    let freeze = freezeCall { account: ME, untilAt: NOW + 1, code: FreezeCode::Lost }.abi_encode();
    assert!(asks(&mut m, PHONE, &[(AT, veto), (AT, freeze)]).is_ok());
    for input in [unfreezeCall {}.abi_encode(), nameHelperCall { helper: SON }.abi_encode()] {
        is::<NeverForKeys>(asks(&mut m, PHONE, &[(AT, input)]));
    }
}

#[test]
fn a_limit_holds_for_a_period_to_the_second_and_then_anew() {
    let mut m = start();
    authorise(&mut m, phone());
    assert_eq!(asks(&mut m, PHONE, &[(token(), pay(5_000))]), Ok(Fen(5_000)));
    is::<OverLimit>(asks(&mut m, PHONE, &[(token(), pay(2_501)), (token(), pay(2_500))]));
    spends(&mut m, 3_000).unwrap();
    let found: OverLimit = is(spends(&mut m, 2_001));
    let OverLimit { askedFen, restFen, resetsAt, .. } = found;
    assert_eq!((askedFen, restFen, resetsAt), (U256::from(2_001), 2_000, NOW + DAY));
    m.now = NOW + DAY - 1;
    is::<OverLimit>(spends(&mut m, 2_001));
    spends(&mut m, 2_000).unwrap();
    is::<OverLimit>(spends(&mut m, 1));
    m.now = NOW + DAY;
    // Nothing is carried over, and what was spent no longer counts.
    is::<OverLimit>(spends(&mut m, 5_001));
    spends(&mut m, 5_000).unwrap();
    let shown = done(&mut m, STRANGER, &keyCall { ofAccount: ME, ofKey: PHONE });
    assert_eq!((shown.spentFen, shown.resetsAt), (5_000, NOW + 2 * DAY));
    // Sums that no number holds are over the limit, too.
    let huge = IToken::transferCall { to: SON, value: U256::MAX }.abi_encode();
    m.now = NOW + 2 * DAY;
    is::<OverLimit>(asks(&mut m, PHONE, &[(token(), huge.clone()), (token(), huge)]));
}

#[test]
fn what_a_key_signed_is_counted_before_it_happens() {
    let mut m = start();
    authorise(&mut m, phone());
    let (one, two) = (pay(1_000), pay(4_000));
    let act = |to, input| Act { to: Some(to), value: U256::ZERO, input };
    let veto = vetoRecoveryCall { account: ME }.abi_encode();
    let acts = [act(token(), &one), act(token(), &two), act(STRANGER, &one), act(AT, &veto)];
    let counted = counting(PHONE, &acts).unwrap();
    assert_eq!(counted, useKeyCall { key: PHONE, amountFen: U256::from(5_000) }.abi_encode());
    m.run(AT, ME, |cx| entry(cx, &counted)).unwrap();
    is::<OverLimit>(spends(&mut m, 1));
    // What only stops harm costs nothing, also while the account is frozen.
    assert_eq!(counting(PHONE, &acts[3..]), None);
    done(&mut m, PHONE, &freezeCall { account: ME, untilAt: NOW + 1, code: FreezeCode::Lost });
    is::<AccountFrozen>(spends(&mut m, 0));
    m.now = NOW + 1;
    spends(&mut m, 0).unwrap();
    // A key that was revoked earlier in the block no longer counts.
    done(&mut m, ME, &revokeKeyCall { account: ME, key: PHONE });
    is::<KeyOver>(spends(&mut m, 0));
    // The root key is not counted.
    done(&mut m, ME, &useKeyCall { key: ME, amountFen: U256::MAX });
    let _: NoSuchKey = refused(&mut m, ME, &useKeyCall { key: TABLET, amountFen: U256::ZERO });
    let _: NoSuchKey = refused(&mut m, SON, &useKeyCall { key: PHONE, amountFen: U256::ZERO });
}

#[test]
fn a_key_without_a_limit_spends_nothing_and_the_root_key_what_it_will() {
    let mut m = start();
    authorise(&mut m, Grant { limitFen: 0, periodSeconds: 0, ..phone() });
    assert_eq!(asks(&mut m, PHONE, &[(token(), pay(0))]), Ok(Fen(0)));
    is::<OverLimit>(asks(&mut m, PHONE, &[(token(), pay(1))]));
    assert_eq!(asks(&mut m, ME, &[(token(), pay(u64::MAX))]), Ok(Fen(0)));
}

#[test]
fn the_question_of_the_app_is_answered_as_the_transaction_would_be() {
    let mut m = start();
    authorise(&mut m, phone());
    let transfer = IToken::transferCall::SELECTOR;
    for (key, target, selector, amount, refusal) in [
        (PHONE, token(), transfer, 5_000, None),
        (PHONE, token(), transfer, 5_001, Some(OverLimit::SELECTOR)),
        (PHONE, STRANGER, transfer, 0, Some(OutOfScope::SELECTOR)),
        (PHONE, AT, unfreezeCall::SELECTOR, 0, Some(NeverForKeys::SELECTOR)),
        (TABLET, token(), transfer, 0, Some(NoSuchKey::SELECTOR)),
        (ME, AT, unfreezeCall::SELECTOR, u64::MAX, None),
    ] {
        let selector = selector.into();
        let query =
            mayActCall { ofAccount: ME, ofKey: key, target, selector, amountFen: amount };
        let found = done(&mut m, STRANGER, &query);
        assert_eq!((found.allowed, found.refusal.0), (refusal.is_none(), refusal.unwrap_or_default()));
    }
}

/// Every call of every module that writes: it spends, it is never a device key's, or it is judged here to
/// do neither.
#[test]
fn every_writing_call_is_judged() {
    const FREE: &[&str] = &[
        // Of holds of others' money, only back to them.
        "money.release",
        "registry.object",
        "schedule.run",
        "schedule.putBack",
        "decisions.open",
        "decisions.close",
        // By whoever asked or signed, to take it back or to correct it before it is signed.
        "funds.edit",
        "funds.revoke",
        "funds.withdraw",
        "ledgers.follow",
        "ledgers.proveReceipt",
        // Of a module's own: an account plans nothing.
        "schedule.plan",
        "schedule.cancel",
    ];
    let mut free = Vec::new();
    let faces = crate::ALL.iter().map(|module| (module.name, module.address, (module.abi)()));
    for (name, at, abi) in faces.chain([("token", token(), money::token_abi())]) {
        for function in abi.functions() {
            if function.state_mutability == StateMutability::View {
                continue;
            }
            let selector = function.selector().0;
            let row = SPENDS.iter().find(|(face, call, _)| {
                *call == selector && (*face == Face::At(at) || (*face == Face::Asset && at == token()))
            });
            if let Some((_, _, index)) = row {
                let input = &function.inputs[*index];
                assert!(["uint64", "uint256"].contains(&input.ty.as_str()), "{name} {input:?}");
                let fixed = |ty: &str| !ty.contains('[') && ty != "string" && ty != "bytes";
                assert!(function.inputs[..*index].iter().all(|input| fixed(&input.ty)));
            } else if !is_never(&at, Some(selector)) {
                free.push(format!("{name}.{}", function.name));
            }
        }
    }
    let mut expected: Vec<String> = FREE.iter().map(|name| (*name).to_owned()).collect();
    free.sort();
    expected.sort();
    assert_eq!(free, expected);
    assert!(NEVER.iter().all(|(at, _)| crate::is_native(at)));
    assert_eq!(ALWAYS.len(), 2);
}

#[test]
fn the_amount_is_read_where_the_call_has_it() {
    let amount = 77;
    let word = U256::from(amount);
    let (to, memo, spender, from) = (SON, PAPER, SON, SON);
    let token_calls = [
        IToken::transferCall { to, value: word }.abi_encode(),
        IToken::approveCall { spender, value: word }.abi_encode(),
        IToken::transferFromCall { from, to, value: word }.abi_encode(),
        IToken::transferWithMemoCall { to, value: word, memo }.abi_encode(),
    ];
    let hold = IMoney::holdCall { asset: 1, holder: to, amountFen: amount, memo, expiresAt: 0 };
    let capture = IMoney::captureCall { id: 1, to, amountFen: amount };
    let mut calls: Vec<_> = token_calls.map(|input| (token(), input)).into();
    calls.push((address::money, hold.abi_encode()));
    calls.push((address::money, capture.abi_encode()));
    for (to, input) in &calls {
        assert_eq!(act::spent(to, input), word);
        assert_eq!(act::spent(&STRANGER, input), U256::ZERO);
        // Cut off before the amount: the call itself is refused.
        assert_eq!(act::spent(to, &input[..4]), U256::ZERO);
        assert_eq!(act::spent(to, &input[..3]), U256::ZERO);
    }
    assert_eq!(calls.len(), SPENDS.len());
}
