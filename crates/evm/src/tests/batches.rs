//! Batches: atomic, metered as a whole, valid in their window.

use std::sync::Arc;

use alloy_primitives::{Address, Bytes, U256, hex, keccak256};
use alloy_signer::SignerSync;
use alloy_sol_types::{SolCall, SolError};
use tulou_primitives::{
    AccountState, Batch, BatchSignature, Call, P256Signature, SignedBatch, Tx, TxType, Window,
};

use super::world::*;
use crate::{
    BatchGas, BatchRequest, BlockFault, BuildLimits, CallOutcome, CallRequest, Dropped,
    EstimateFault,
    call::Scene,
    executor::{build_with, execute_with},
    verification_gas,
};

const NOW: u64 = 1_700_000_000;

fn call(to: Address, input: Vec<u8>) -> Call {
    Call { to, value: U256::ZERO, input: input.into() }
}

fn add(n: u64) -> Call {
    call(COUNTER, ICounter::addCall { n: U256::from(n) }.abi_encode())
}

fn pay(to: u8, wei: u64) -> Call {
    Call { to: Address::repeat_byte(to), value: U256::from(wei), ..Default::default() }
}

fn batch(calls: Vec<Call>) -> Batch {
    Batch { chain_id: CHAIN_ID, gas_limit: 500_000, calls, ..Default::default() }
}

/// Signed by the world's account.
fn signed(world: &World, batch: Batch) -> Arc<Tx> {
    let signature = world.me.sign_hash_sync(&batch.signing_hash()).unwrap();
    Tx::from_envelope(SignedBatch { batch, signature: BatchSignature::Secp256k1(signature) })
}

fn balance(world: &World, who: u8) -> U256 {
    let account = world.state.accounts.get(&Address::repeat_byte(who));
    account.map_or(U256::ZERO, |account| account.balance)
}

#[test]
fn all_calls_happen_in_order_with_one_receipt() {
    let mut world = World::new();
    let me = world.me.address();
    world.fund(me, 100);
    let tx = signed(&world, batch(vec![add(2), pay(9, 40), add(3), pay(9, 60)]));
    let executed = world.block(&[tx]);
    let receipt = &executed.receipts[0];
    assert_eq!((receipt.tx_type(), receipt.status()), (TxType::Batch, true));
    assert_eq!(receipt.logs().len(), 2);
    assert_eq!(world.total(COUNTER), U256::from(5));
    assert_eq!(balance(&world, 9), U256::from(100));
    assert_eq!(world.nonce(me), 1);
}

#[test]
fn one_revert_undoes_all_but_nonce_and_gas() {
    let mut world = World::new();
    let me = world.me.address();
    world.fund(me, 100);
    let spin = call(COUNTER, ICounter::spinCall {}.abi_encode());
    for (calls, why) in [
        (vec![add(2), pay(9, 40), add(1_001)], "a refusal at the end"),
        (vec![add(1_001), add(2)], "a refusal at the beginning"),
        (vec![add(2), spin], "out of gas"),
        (vec![pay(9, 40), call(COUNTER, vec![1, 2, 3, 4]), add(1)], "no such function"),
    ] {
        let nonce = world.nonce(me);
        let tx = signed(&world, Batch { nonce, ..batch(calls) });
        let executed = world.block(&[tx]);
        let receipt = &executed.receipts[0];
        assert!(!receipt.status(), "{why}");
        assert!(receipt.logs().is_empty(), "{why}");
        assert!(executed.gas_used > 21_000, "{why}");
        assert_eq!(world.total(COUNTER), U256::ZERO, "{why}");
        assert_eq!(balance(&world, 9), U256::ZERO, "{why}");
        assert_eq!(world.nonce(me), nonce + 1, "{why}");
    }
}

#[test]
fn what_an_undone_call_cleared_is_not_refunded() {
    let mut world = World::new();
    let clear = || call(COUNTER, ICounter::clearCall {}.abi_encode());
    let used = |world: &mut World, calls: Vec<Call>| {
        let seed = world.tx(alloy_primitives::TxKind::Call(COUNTER), add(7).input.to_vec(), 0);
        world.block(&[seed]);
        let nonce = world.nonce(world.me.address());
        let tx = signed(world, Batch { nonce, ..batch(calls) });
        world.block(&[tx]).gas_used
    };
    // The last call fails before it uses gas of its own, so the two differ by the refund and no more.
    let broken = || call(COUNTER, vec![1, 2, 3, 4]);
    let undone = used(&mut world, vec![clear(), broken()]);
    let kept = used(&mut world, vec![clear(), pay(9, 0)]);
    assert!(undone >= kept + 4_800, "{undone} undone, {kept} kept");
}

#[test]
fn a_call_sees_what_those_before_it_did_and_not_their_memory() {
    let mut world = World::new();
    // Counts in slot 0, adds the memory that it finds to slot 1, and leaves some behind.
    let code = Bytes::from(hex!("5f546001015f5559600154016001556001610400 5200"));
    let at = Address::repeat_byte(0xcc);
    let code_hash = keccak256(&code);
    world.state.code.insert(code_hash, code);
    let contract = AccountState { nonce: 1, code_hash, balance: U256::ZERO };
    world.state.accounts.insert(at, contract);
    let tx = signed(&world, batch(vec![call(at, vec![]), call(at, vec![]), call(at, vec![])]));
    assert!(world.block(&[tx]).receipts[0].status());
    assert_eq!(world.state.slots.get(&(at, U256::ZERO)), Some(&U256::from(3)));
    assert_eq!(world.state.slots.get(&(at, U256::from(1))), None);
}

#[test]
fn gas_is_that_of_the_calls_and_of_the_signature() {
    let mut world = World::new();
    let me = world.me.address();
    world.fund(me, 10);
    // Plain transfers take nothing beyond what they pay before they begin.
    for (calls, want) in [
        (vec![pay(9, 1)], 21_000),
        (vec![pay(9, 0), pay(8, 0)], 21_000 + 2_600),
        (vec![pay(9, 1), pay(8, 1), pay(7, 0)], 21_000 + 2 * 2_600 + 9_000),
        // Of calldata alone the floor is more than the price.
        (vec![call(Address::repeat_byte(9), vec![0, 1])], 21_000 + 10 * 5),
    ] {
        let nonce = world.nonce(me);
        let tx = signed(&world, Batch { nonce, gas_limit: want, ..batch(calls.clone()) });
        assert_eq!(world.block(&[tx]).gas_used, want, "{calls:?}");
        let short = Batch { nonce: nonce + 1, gas_limit: want - 1, ..batch(calls) };
        let short = signed(&world, short);
        let refused = execute_with(&world.state, &world.env(), &[short], NATIVES);
        assert!(matches!(refused, Err(BlockFault::Invalid { index: 0, .. })), "{refused:?}");
    }
    let signature = P256Signature::default();
    for (signature, want) in [
        (BatchSignature::P256 { signature, prehash: true }, 5_000),
        (BatchSignature::WebAuthn { data: vec![0, 7, 7].into(), signature }, 5_000 + 4 + 2 * 16),
    ] {
        assert_eq!(verification_gas(&signature), want);
        let gas = BatchGas::of(&[pay(9, 1)], &Default::default(), want);
        assert_eq!((gas.initial, gas.floor, gas.least()), (21_000 + want, 21_000, 21_000 + want));
    }
}

#[test]
fn the_value_of_all_calls_must_be_there() {
    let mut world = World::new();
    world.fund(world.me.address(), 10);
    let enough = signed(&world, batch(vec![pay(9, 4), pay(8, 6)]));
    let more = signed(&world, batch(vec![pay(9, 4), pay(8, 7)]));
    let refused = execute_with(&world.state, &world.env(), &[more], NATIVES);
    assert!(matches!(refused, Err(BlockFault::Invalid { .. })), "{refused:?}");
    assert!(world.block(&[enough]).receipts[0].status());
}

#[test]
fn a_batch_waits_for_its_window_and_ends_with_it() {
    let world = World::new();
    let within = |after, before| {
        signed(&world, Batch { window: Window { after, before }, ..batch(vec![add(1)]) })
    };
    let limits = BuildLimits { gas: GAS_LIMIT, bytes: 1 << 20, transactions: 9, deadline: None };
    for (tx, want) in [
        (within(NOW, NOW + 1), None),
        (within(0, 0), None),
        (within(NOW + 1, 0), Some(Dropped::NotYetValid { after: NOW + 1, now: NOW })),
        (within(0, NOW), Some(Dropped::Expired { before: NOW, now: NOW })),
        (within(NOW - 9, NOW), Some(Dropped::Expired { before: NOW, now: NOW })),
    ] {
        let mut candidates = std::iter::once(tx.clone());
        let built = build_with(&world.state, &world.env(), &mut candidates, limits, NATIVES);
        let dropped = built.unwrap().dropped.pop().map(|(_, reason)| reason);
        assert_eq!(dropped, want);
        let ended = want.as_ref().map(Dropped::is_final);
        assert_eq!(ended, want.as_ref().map(|why| matches!(why, Dropped::Expired { .. })));
        let executed = execute_with(&world.state, &world.env(), &[tx], NATIVES);
        assert_eq!(executed.is_ok(), want.is_none(), "{executed:?}");
    }
}

#[test]
fn an_unsigned_batch_answers_and_is_estimated() {
    let mut world = World::new();
    let me = world.me.address();
    let request = |calls: Vec<Call>, verification| CallRequest {
        from: me,
        to: Some(calls[0].to),
        input: calls[0].input.clone(),
        batch: Some(BatchRequest { calls, verification, key: None }),
        ..Default::default()
    };
    let answer = world.call(&request(vec![add(2), add(3)], 0), None).unwrap();
    let CallOutcome::Success { output, logs, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(ICounter::addCall::abi_decode_returns(&output).unwrap(), U256::from(5));
    assert_eq!(logs.len(), 2);
    let env = world.env();
    let estimate = |world: &World, request: &CallRequest| {
        let scene = Scene { state: &world.state, env: &env, overrides: None, natives: NATIVES };
        scene.estimate(request, GAS_LIMIT)
    };
    let gas = estimate(&world, &request(vec![add(2), add(3)], 0)).unwrap();
    assert_eq!(estimate(&world, &request(vec![add(2), add(3)], 5_000)).unwrap(), gas + 5_000);
    let refused = estimate(&world, &request(vec![add(2), add(1_001)], 0));
    let Err(EstimateFault::Revert(reason)) = refused else { panic!("{refused:?}") };
    assert_eq!(ICounter::TooMuch::abi_decode(&reason).unwrap().asked, U256::from(1_001));
    // The estimate is what it takes, and one less is not.
    for (gas_limit, want) in [(gas - 1, false), (gas, true)] {
        let nonce = world.nonce(me);
        let tx = signed(&world, Batch { nonce, gas_limit, ..batch(vec![add(2), add(3)]) });
        assert_eq!(world.block(&[tx]).receipts[0].status(), want);
        world.state.slots.clear();
    }
}
