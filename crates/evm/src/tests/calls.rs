//! Calls that nothing keeps.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes, U256, hex};
use alloy_sol_types::{SolCall, SolError, SolValue};

use super::world::*;
use crate::{
    AccountOverride, BlockOverrides, CallFault, CallOutcome, CallRequest, EstimateFault, Hidden,
    Overrides, Sight, call::Scene, provider::Natives,
};

fn estimate(world: &World, request: &CallRequest) -> Result<u64, EstimateFault> {
    let env = world.env();
    let scene = Scene { state: &world.state, env: &env, overrides: None, natives: NATIVES };
    scene.estimate(request, GAS_LIMIT)
}

fn add(world: &World, n: u64) -> CallRequest {
    world.request(COUNTER, &ICounter::addCall { n: U256::from(n) })
}

#[test]
fn a_plain_transfer_needs_exactly_its_price() {
    let mut world = World::new();
    let mut request = CallRequest {
        from: world.me.address(),
        to: Some(Address::repeat_byte(5)),
        gas_price: Some(7),
        ..Default::default()
    };
    assert_eq!(estimate(&world, &request), Ok(21_000));
    request.value = U256::from(3);
    let fault = estimate(&world, &request).unwrap_err();
    assert!(matches!(fault, EstimateFault::Fault(CallFault::Invalid(_))), "{fault:?}");
    world.fund(world.me.address(), 3);
    assert_eq!(estimate(&world, &request), Ok(21_000));
}

#[test]
fn an_estimate_is_the_least_that_works() {
    let mut world = World::new();
    let probe = world.deploy_probe();
    let nested = world.request(probe, &IProbe::caughtCall { n: U256::from(3) });
    let data = [hex::decode(TOKEN.trim()).unwrap(), U256::from(5).abi_encode()].concat();
    let create = CallRequest { from: world.me.address(), input: data.into(), ..Default::default() };
    for request in [add(&world, 2), nested, create] {
        let gas = estimate(&world, &request).unwrap();
        let with = |gas| CallRequest { gas: Some(gas), ..request.clone() };
        assert!(matches!(world.call(&with(gas), None), Ok(CallOutcome::Success { .. })));
        let less = world.call(&with(gas - 1), None);
        assert!(!matches!(less, Ok(CallOutcome::Success { .. })), "{gas}: {less:?}");
    }
}

#[test]
fn an_estimate_of_what_fails_says_why() {
    let world = World::new();
    let EstimateFault::Revert(data) = estimate(&world, &add(&world, 1_001)).unwrap_err() else {
        panic!()
    };
    assert_eq!(ICounter::TooMuch::abi_decode(&data).unwrap().asked, U256::from(1_001));
    let spin = world.request(COUNTER, &ICounter::spinCall {});
    assert!(matches!(estimate(&world, &spin), Err(EstimateFault::Halt(_))));
}

#[test]
fn a_call_changes_nothing_and_checks_no_nonce() {
    let world = World::new();
    let before = world.state.clone();
    let request = CallRequest { nonce: Some(77), gas_price: Some(1), ..add(&world, 2) };
    let outcome = world.call(&request, None).unwrap();
    let CallOutcome::Success { output, logs, created, .. } = outcome else { panic!() };
    assert_eq!(ICounter::addCall::abi_decode_returns(&output).unwrap(), U256::from(2));
    assert_eq!((logs.len(), created), (1, None));
    assert_eq!(world.state, before);
    // A contract may be the sender of a call, and gas may exceed the cap of transactions.
    let request = CallRequest { from: OTHER, gas: Some(GAS_LIMIT), ..add(&world, 2) };
    assert!(matches!(world.call(&request, None), Ok(CallOutcome::Success { .. })));
}

#[test]
fn a_creation_gives_its_address() {
    let world = World::new();
    let data = [hex::decode(TOKEN.trim()).unwrap(), U256::from(5).abi_encode()].concat();
    let request =
        CallRequest { from: world.me.address(), input: data.into(), ..Default::default() };
    let Ok(CallOutcome::Success { created, .. }) = world.call(&request, None) else { panic!() };
    assert_eq!(created, Some(world.me.address().create(0)));
}

#[test]
fn too_little_gas_is_invalid_or_halts() {
    let world = World::new();
    let request = CallRequest { gas: Some(20_000), ..add(&world, 1) };
    assert!(matches!(world.call(&request, None), Err(CallFault::Invalid(_))));
    let request = CallRequest { gas: Some(23_000), ..add(&world, 1) };
    assert!(matches!(world.call(&request, None), Ok(CallOutcome::Halt { .. })));
}

#[test]
fn overrides_are_seen_and_not_kept() {
    let mut world = World::new();
    let token = world.deploy(TOKEN, &U256::from(1_000).abi_encode());
    let bare = Address::repeat_byte(0xaa);
    let code = world.state.code[&world.state.accounts[&token].code_hash].clone();
    let slot = BTreeMap::from([(U256::ZERO, U256::from(41))]);
    let accounts = BTreeMap::from([
        (bare, AccountOverride { code: Some(code), ..Default::default() }),
        (COUNTER, AccountOverride { state_diff: Some(slot.clone()), ..Default::default() }),
        (OTHER, AccountOverride { state: Some(BTreeMap::new()), ..Default::default() }),
    ]);
    let block = BlockOverrides { timestamp: Some(5), number: Some(6), ..Default::default() };
    let overrides = Overrides { accounts, block };
    let ask = |request: &CallRequest| match world.call(request, Some(&overrides)).unwrap() {
        CallOutcome::Success { output, .. } => output,
        other => panic!("{other:?}"),
    };
    let total = ask(&world.request(COUNTER, &ICounter::totalCall {}));
    assert_eq!(ICounter::totalCall::abi_decode_returns(&total).unwrap(), U256::from(41));
    let balance = ask(&world.request(bare, &IToken::balanceOfCall { who: bare }));
    assert_eq!(balance, Bytes::from(U256::ZERO.abi_encode()));
    let clock = ask(&world.request(COUNTER, &ICounter::clockCall {}));
    let clock = ICounter::clockCall::abi_decode_returns(&clock).unwrap();
    assert_eq!((clock.now, clock.height), (5, 6));
    assert_eq!(world.total(COUNTER), U256::ZERO);

    let rich = AccountOverride { balance: Some(U256::from(9)), ..Default::default() };
    let accounts = BTreeMap::from([(world.me.address(), rich)]);
    let overrides = Overrides { accounts, ..Default::default() };
    let request = CallRequest {
        from: world.me.address(),
        to: Some(bare),
        value: U256::from(9),
        ..Default::default()
    };
    assert!(world.call(&request, Some(&overrides)).is_ok());
    assert!(world.call(&request, None).is_err());

    let code = Some(Bytes::from_static(&[0xef, 0x01, 0x00, 0x01]));
    let accounts = BTreeMap::from([(bare, AccountOverride { code, ..Default::default() })]);
    let overrides = Overrides { accounts, ..Default::default() };
    assert!(matches!(world.call(&request, Some(&overrides)), Err(CallFault::Invalid(_))));
}

#[test]
fn an_access_list_names_what_is_reached() {
    let mut world = World::new();
    let probe = world.deploy_probe();
    let env = world.env();
    let scene = Scene { state: &world.state, env: &env, overrides: None, natives: NATIVES };
    let request = world.request(probe, &IProbe::totalCall {});
    let (list, gas_used, error) = scene.access_list(&request, GAS_LIMIT).unwrap();
    assert_eq!(error, None);
    assert_eq!(list.len(), 1);
    assert_eq!((list[0].address, list[0].storage_keys.len()), (COUNTER, 1));
    let listed = CallRequest { access_list: list, ..request };
    let Ok(CallOutcome::Success { gas_used: again, .. }) = world.call(&listed, None) else {
        panic!()
    };
    assert_eq!(gas_used, again);
    let failing = world.request(COUNTER, &ICounter::addCall { n: U256::from(1_001) });
    let (_, _, error) = scene.access_list(&failing, GAS_LIMIT).unwrap();
    assert_eq!(error.as_deref(), Some("execution reverted"));
}

#[test]
fn what_may_not_be_seen_ends_the_run_and_no_contract_catches_it() {
    let mut world = World::new();
    let probe = world.deploy_probe();
    let direct = add(&world, 2);
    let caught = world.request(probe, &IProbe::caughtCall { n: U256::from(3) });
    let env = world.env();
    let scene = |sight| Scene {
        state: &world.state,
        env: &env,
        overrides: None,
        natives: Natives { sight: Some(sight), ..NATIVES },
    };
    let selector = ICounter::addCall::SELECTOR;
    let hidden = CallFault::Hidden(Hidden { at: COUNTER, selector });
    let (none, all): (Sight, Sight) = (|_, _| false, |_, _| true);
    for request in [direct, caught] {
        assert_eq!(scene(none).call(&request, GAS_LIMIT), Err(hidden.clone()));
        assert_eq!(scene(none).estimate(&request, GAS_LIMIT), Err(hidden.clone().into()));
        assert_eq!(scene(none).access_list(&request, GAS_LIMIT), Err(hidden.clone()));
        assert!(matches!(scene(all).call(&request, GAS_LIMIT), Ok(CallOutcome::Success { .. })));
    }
    let other: Sight = |at, calldata| *at != COUNTER || calldata.first() != Some(&0);
    let elsewhere = world.request(OTHER, &ICounter::addCall { n: U256::from(1) });
    assert!(matches!(scene(other).call(&elsewhere, GAS_LIMIT), Ok(CallOutcome::Success { .. })));
}
