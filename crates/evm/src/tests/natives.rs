//! Native code as contracts and accounts meet it.

use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_sol_types::{SolCall, SolError, SolEvent};
use tulou_slots::ISystem;

use super::world::*;
use crate::{BlockFault, CallFault, CallOutcome, INative, executor::execute_with};

fn add(n: u64) -> Vec<u8> {
    ICounter::addCall { n: U256::from(n) }.abi_encode()
}

/// The output of a raw call that the probe made and that was refused.
fn refused(ok: bool, output: Bytes) -> Bytes {
    assert!(!ok, "went through: {output}");
    output
}

#[test]
fn an_account_calls_and_the_receipt_has_the_event() {
    let mut world = World::new();
    let executed = world.send(TxKind::Call(COUNTER), add(5), 0);
    let receipt = &executed.receipts[0];
    assert!(receipt.status());
    let [log] = receipt.logs() else { panic!("{receipt:?}") };
    assert_eq!(log.address, COUNTER);
    let event = ICounter::Added::decode_log_data(&log.data).unwrap();
    assert_eq!((event.who, event.total), (world.me.address(), U256::from(5)));
    assert!(executed.logs_bloom.contains_raw_log(COUNTER, log.topics()));
    assert_eq!(world.total(COUNTER), U256::from(5));
    assert_eq!(world.nonce(COUNTER), 1);
    assert!(executed.changes.code.is_empty());
}

#[test]
fn a_nested_refusal_drops_native_state_and_events() {
    let mut world = World::new();
    let probe = world.deploy_probe();
    let input = IProbe::nestedCall { n: U256::from(3) }.abi_encode();
    let executed = world.send(TxKind::Call(probe), input, 0);
    let receipt = &executed.receipts[0];
    assert!(receipt.status());
    let [log] = receipt.logs() else { panic!("{receipt:?}") };
    assert_eq!(IProbe::Seen::decode_log_data(&log.data).unwrap().total, U256::ZERO);
    assert_eq!(world.total(COUNTER), U256::ZERO);
}

#[test]
fn try_catch_sees_the_typed_error() {
    let mut world = World::new();
    let probe = world.deploy_probe();
    let call = IProbe::caughtCall { n: U256::from(1_001) };
    let reason = world.answer(probe, &call);
    assert_eq!(ICounter::TooMuch::abi_decode(&reason).unwrap().asked, U256::from(1_001));
    let executed = world.send(TxKind::Call(probe), call.abi_encode(), 0);
    assert!(executed.receipts[0].status() && executed.receipts[0].logs().is_empty());
    assert_eq!(world.total(COUNTER), U256::ZERO);
}

#[test]
fn solidity_finds_code_and_reads_views() {
    let mut world = World::new();
    let probe = world.deploy_probe();
    let executed = world.send(TxKind::Call(probe), IProbe::noteCall {}.abi_encode(), 0);
    assert!(executed.receipts[0].status());
    assert_eq!(executed.receipts[0].logs()[0].topics()[1], probe.into_word());
    assert_eq!(world.answer(probe, &IProbe::totalCall {}), U256::ONE);
}

#[test]
fn a_static_call_reads_and_does_not_write() {
    let mut world = World::new();
    let probe = world.deploy_probe();
    let by = |input: Vec<u8>| IProbe::byStaticCallCall { input: input.into() };
    let view = world.answer(probe, &by(ICounter::totalCall {}.abi_encode()));
    assert!(view.ok);
    // A view that writes is refused by the bridge although the dispatch lets it through.
    for input in [add(1), ICounter::sneakCall {}.abi_encode()] {
        let write = world.answer(probe, &by(input));
        ISystem::StaticCall::abi_decode(&refused(write.ok, write.output)).unwrap();
    }
}

#[test]
fn delegate_calls_and_value_are_refused() {
    let mut world = World::new();
    let probe = world.deploy_probe();
    let answer = world.answer(probe, &IProbe::byDelegateCallCall { input: add(1).into() });
    INative::DelegateCall::abi_decode(&refused(answer.ok, answer.output)).unwrap();

    world.fund(world.me.address(), 100);
    let mut request = world.request(probe, &IProbe::byCallCall { input: add(1).into() });
    request.value = U256::from(7);
    let CallOutcome::Success { output, .. } = world.call(&request, None).unwrap() else { panic!() };
    let answer = IProbe::byCallCall::abi_decode_returns(&output).unwrap();
    INative::ValueNotAccepted::abi_decode(&refused(answer.ok, answer.output)).unwrap();

    let executed = world.send(TxKind::Call(COUNTER), add(1), 7);
    assert!(!executed.receipts[0].status());
    assert_eq!(world.state.accounts[&world.me.address()].balance, U256::from(100));
}

#[test]
fn what_is_not_a_call_is_refused() {
    let mut world = World::new();
    let probe = world.deploy_probe();
    let by = |input: &[u8]| IProbe::byCallCall { input: Bytes::copy_from_slice(input) };
    let unknown = world.answer(probe, &by(&[1, 2, 3, 4, 5]));
    let unknown = refused(unknown.ok, unknown.output);
    assert_eq!(ISystem::UnknownSelector::abi_decode(&unknown).unwrap().selector, [1, 2, 3, 4]);
    let empty = world.answer(probe, &by(&[]));
    ISystem::UnknownSelector::abi_decode(&refused(empty.ok, empty.output)).unwrap();
    let truncated = world.answer(probe, &by(&add(1)[..20]));
    assert!(refused(truncated.ok, truncated.output).is_empty());
}

#[test]
fn out_of_gas_halts_the_call_alone() {
    let mut world = World::new();
    let probe = world.deploy_probe();
    let spin = ICounter::spinCall {}.abi_encode();
    let inner = IProbe::byCallWithGasCall { most: U256::from(50_000), input: spin.clone().into() };
    let answer = world.answer(probe, &inner);
    assert!(refused(answer.ok, answer.output).is_empty());
    // Not even the price of the call, and not that of the cold slot.
    for most in [20_u64, 1_000] {
        let input = ICounter::totalCall {}.abi_encode().into();
        let inner = IProbe::byCallWithGasCall { most: U256::from(most), input };
        assert!(!world.answer(probe, &inner).ok, "{most}");
    }
    let executed = world.send(TxKind::Call(COUNTER), spin, 0);
    assert!(!executed.receipts[0].status());
    assert_eq!(executed.gas_used, blank().gas_limit);
}

#[test]
fn modules_call_each_other() {
    let mut world = World::new();
    let relay = ICounter::relayCall { n: U256::from(9) }.abi_encode();
    let executed = world.send(TxKind::Call(COUNTER), relay, 0);
    let [log] = executed.receipts[0].logs() else { panic!() };
    assert_eq!((log.address, log.topics()[1]), (OTHER, COUNTER.into_word()));
    assert_eq!((world.total(COUNTER), world.total(OTHER)), (U256::ZERO, U256::from(9)));

    let tried = ICounter::tryRelayCall { n: U256::from(1_001) };
    assert!(!world.answer(COUNTER, &tried));
    let executed = world.send(TxKind::Call(COUNTER), tried.abi_encode(), 0);
    assert!(executed.receipts[0].status() && executed.receipts[0].logs().is_empty());
    assert_eq!(world.total(OTHER), U256::from(9));
}

#[test]
fn a_module_makes_an_address_callable() {
    let mut world = World::new();
    // Until then it is an ordinary empty account.
    let early = world.send(TxKind::Call(ASSET), add(2), 0);
    assert!(early.receipts[0].status() && early.receipts[0].logs().is_empty());
    assert!(!world.state.accounts.contains_key(&ASSET));
    let make = ICounter::makeCall {}.abi_encode();
    let executed = world.send(TxKind::Call(COUNTER), make.clone(), 0);
    assert!(executed.receipts[0].status());
    assert_eq!(world.nonce(ASSET), 1);
    assert_eq!(world.state.accounts[&ASSET].code_hash, crate::provider::marker_hash());
    assert_eq!(executed.changes.code.len(), 1);
    assert!(world.send(TxKind::Call(COUNTER), make, 0).receipts[0].status());
    assert!(world.send(TxKind::Call(ASSET), add(2), 0).receipts[0].status());
    assert_eq!(world.total(ASSET), U256::from(2));
}

#[test]
fn native_state_is_never_written_to_an_account_that_would_be_swept() {
    let mut world = World::new();
    world.state.accounts.remove(&OTHER);
    let relay = ICounter::relayCall { n: U256::ONE }.abi_encode();
    let tx = world.tx(TxKind::Call(COUNTER), relay, 0);
    let fault = execute_with(&world.state, &world.env(), &[tx], NATIVES).unwrap_err();
    assert!(matches!(fault, BlockFault::Fault(reason) if reason.contains("callable")));
}

#[test]
fn the_clock_is_that_of_the_block() {
    let world = World::new();
    let clock = world.answer(COUNTER, &ICounter::clockCall {});
    let env = world.env();
    assert_eq!((clock.now, clock.height, clock.chain), (env.timestamp, env.height, CHAIN_ID));
}

#[test]
fn a_broken_module_stops_the_block() {
    let world = World::new();
    let input = ICounter::breakDownCall {}.abi_encode();
    let tx = world.tx(TxKind::Call(COUNTER), input.clone(), 0);
    let fault = execute_with(&world.state, &world.env(), &[tx], NATIVES).unwrap_err();
    assert!(matches!(fault, BlockFault::Fault(reason) if reason.contains("broken")));

    // No contract can catch it.
    let mut world = World::new();
    let probe = world.deploy_probe();
    let request = world.request(probe, &IProbe::byCallCall { input: input.into() });
    assert!(matches!(world.call(&request, None), Err(CallFault::Fault(_))));
}

#[test]
fn a_slot_set_to_zero_is_removed() {
    let mut world = World::new();
    world.send(TxKind::Call(COUNTER), add(1), 0);
    assert_eq!(world.state.slots.len(), 1);
    let executed = world.send(TxKind::Call(COUNTER), ICounter::clearCall {}.abi_encode(), 0);
    assert_eq!(executed.changes.accounts[&COUNTER].storage[&U256::ZERO], U256::ZERO);
    assert!(world.state.slots.is_empty());
}

#[test]
fn the_standard_modules_are_the_ones_of_the_table() {
    use crate::provider::Natives;
    for module in tulou_modules::ALL {
        assert!((Natives::STANDARD.route)(&module.address).is_some(), "{}", module.name);
    }
    assert!((Natives::STANDARD.route)(&Address::repeat_byte(1)).is_none());
    assert_eq!((Natives::STANDARD.warm)().len(), tulou_modules::ALL.len());
}
