//! Executing and building blocks.

use std::sync::Arc;

use alloy_consensus::{TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_sol_types::{SolCall, SolError, SolEvent, SolValue};
use tulou_primitives::{AccountState, StateError, StateReader, Tx};

use super::world::*;
use crate::{
    BlockFault, BuildLimits, Built, CallOutcome, Dropped, Executed,
    executor::{build_with, execute_with},
    seal_header, validate_header,
};

const ROOMY: BuildLimits =
    BuildLimits { gas: GAS_LIMIT, bytes: 1 << 20, transactions: 100, deadline: None };

fn add(nonce: u64, n: u64) -> TxEip1559 {
    let input = ICounter::addCall { n: U256::from(n) }.abi_encode().into();
    TxEip1559 { to: TxKind::Call(COUNTER), input, nonce, ..blank() }
}

fn execute(world: &World, txs: &[Arc<Tx>]) -> Result<Executed, BlockFault> {
    execute_with(&world.state, &world.env(), txs, NATIVES)
}

fn build(world: &World, txs: &[Arc<Tx>], limits: BuildLimits) -> Built {
    let mut candidates = txs.iter().cloned();
    build_with(&world.state, &world.env(), &mut candidates, limits, NATIVES).unwrap()
}

#[test]
fn a_sender_without_balance_works_whatever_the_price() {
    let mut world = World::new();
    let executed = world.send(TxKind::Call(Address::repeat_byte(9)), vec![], 0);
    assert!(executed.receipts[0].status());
    assert_eq!(executed.gas_used, 21_000);
    // Nothing but the sender's nonce: no fee, no reward, no empty account left behind.
    assert_eq!(executed.changes.accounts.len(), 1);
    assert_eq!(world.nonce(world.me.address()), 1);
    assert_eq!(world.state.accounts[&world.me.address()].balance, U256::ZERO);
}

#[test]
fn an_ordinary_token_works() {
    let mut world = World::new();
    let token = world.deploy(TOKEN, &U256::from(1_000).abi_encode());
    let to = Address::repeat_byte(7);
    let move_to = |value: u64| IToken::transferCall { to, value: U256::from(value) };
    let executed = world.send(TxKind::Call(token), move_to(300).abi_encode(), 0);
    let log = &executed.receipts[0].logs()[0];
    assert_eq!(IToken::Transfer::decode_log_data(&log.data).unwrap().value, U256::from(300));
    assert_eq!(world.answer(token, &IToken::balanceOfCall { who: to }), U256::from(300));
    let refused = world.call(&world.request(token, &move_to(701)), None).unwrap();
    let CallOutcome::Revert { output, .. } = refused else { panic!("{refused:?}") };
    let error = IToken::ERC20InsufficientBalance::abi_decode(&output).unwrap();
    assert_eq!(error.balance, U256::from(700));
}

#[test]
fn all_transaction_types_execute() {
    let mut world = World::new();
    let (me, other) = (world.me.clone(), signer(2));
    let to = TxKind::Call(COUNTER);
    let input: Bytes = ICounter::noteCall {}.abi_encode().into();
    let (gas_limit, chain_id) = (200_000, CHAIN_ID);
    let access_list =
        AccessList(vec![AccessListItem { address: COUNTER, storage_keys: vec![B256::ZERO] }]);
    let authorization =
        Authorization { chain_id: U256::from(CHAIN_ID), address: COUNTER, nonce: 0 };
    let signature = other.sign_hash_sync(&authorization.signature_hash()).unwrap();
    let txs = [
        sign(
            &me,
            TxLegacy {
                chain_id: Some(chain_id),
                to,
                input: input.clone(),
                gas_limit,
                gas_price: 5,
                ..Default::default()
            },
        ),
        sign(
            &me,
            TxEip2930 {
                chain_id,
                nonce: 1,
                to,
                input: input.clone(),
                gas_limit,
                gas_price: 5,
                access_list,
                ..Default::default()
            },
        ),
        sign(&me, add(2, 1)),
        sign(
            &me,
            TxEip7702 {
                chain_id,
                nonce: 3,
                to: COUNTER,
                input,
                gas_limit,
                authorization_list: vec![authorization.into_signed(signature)],
                ..Default::default()
            },
        ),
    ];
    let executed = world.block(&txs);
    let types: Vec<_> = executed.receipts.iter().map(|r| (r.tx_type() as u8, r.status())).collect();
    assert_eq!(types, [(0, true), (1, true), (2, true), (4, true)]);
    let sum = executed.receipts.last().map(|receipt| receipt.cumulative_gas_used());
    assert_eq!(sum, Some(executed.gas_used));
    assert_eq!(world.total(COUNTER), U256::from(4));
    // Delegating to native code gives the account no native code: the marker is no instruction.
    assert_eq!(world.nonce(other.address()), 1);
    let tx = sign(&me, TxEip1559 { to: TxKind::Call(other.address()), ..add(4, 1) });
    assert!(!world.block(&[tx]).receipts[0].status());
    assert_eq!(world.total(COUNTER), U256::from(4));
}

#[test]
fn a_block_is_refused_as_a_whole() {
    let world = World::new();
    let me = &world.me;
    let refusal = |txs: &[Arc<Tx>]| match execute(&world, txs) {
        Err(BlockFault::Invalid { index, reason }) => (index, reason),
        other => panic!("{other:?}"),
    };
    let good = sign(me, add(0, 1));
    let (index, reason) = refusal(&[good.clone(), sign(me, add(2, 1))]);
    assert!(index == 1 && reason.contains("ahead"), "{reason}");
    let (index, reason) = refusal(&[good.clone(), good.clone()]);
    assert!(index == 1 && reason.contains("was used"), "{reason}");
    let (_, reason) = refusal(&[sign(me, TxEip1559 { chain_id: 1, ..add(0, 1) })]);
    assert!(reason.contains("chain"), "{reason}");
    let (_, reason) = refusal(&[sign(me, TxEip1559 { value: U256::ONE, ..add(0, 1) })]);
    assert!(reason.contains("insufficient funds"), "{reason}");
    let (_, reason) = refusal(&[sign(me, TxEip1559 { gas_limit: 20_000, ..add(0, 1) })]);
    assert!(reason.contains("gas"), "{reason}");
    let (_, reason) = refusal(&[sign(me, TxEip1559 { gas_limit: (1 << 24) + 1, ..add(0, 1) })]);
    assert!(reason.contains("gas"), "{reason}");
    let (_, reason) = refusal(&[sign(me, TxEip1559 { gas_limit: GAS_LIMIT + 1, ..add(0, 1) })]);
    assert!(reason.contains("room"), "{reason}");
}

#[test]
fn an_account_with_code_does_not_sign() {
    let mut world = World::new();
    let code_hash = crate::provider::marker_hash();
    let account = AccountState { code_hash, ..Default::default() };
    world.state.accounts.insert(world.me.address(), account);
    let tx = sign(&world.me, add(0, 1));
    assert!(matches!(execute(&world, &[tx]), Err(BlockFault::Invalid { .. })));
}

#[test]
fn building_takes_what_fits_and_execution_agrees() {
    let mut world = World::new();
    let (me, poor, late) = (world.me.clone(), signer(2), signer(3));
    world.fund(me.address(), 10);
    let stale = sign(&me, add(0, 1));
    world.block(std::slice::from_ref(&stale));
    let broken = ICounter::breakDownCall {}.abi_encode().into();
    let txs = [
        sign(&me, add(1, 5)),
        stale.clone(),
        sign(&late, add(1, 1)),
        sign(&poor, TxEip1559 { value: U256::from(11), ..add(0, 1) }),
        sign(&poor, TxEip1559 { input: broken, ..add(0, 1) }),
        sign(&poor, add(0, 2_000)),
        sign(
            &me,
            TxEip1559 { to: TxKind::Call(late.address()), value: U256::from(4), ..add(2, 0) },
        ),
        sign(&late, add(0, 7)),
        sign(&late, add(1, 8)),
    ];
    let built = build(&world, &txs, ROOMY);
    let included: Vec<_> = built.included.iter().map(|tx| tx.hash()).collect();
    assert_eq!(included, [0, 5, 6, 7, 8].map(|i: usize| txs[i].hash()));
    let statuses: Vec<_> = built.executed.receipts.iter().map(|r| r.status()).collect();
    assert_eq!(statuses, [true, false, true, true, true]);
    let reasons: Vec<_> = built.dropped.iter().map(|(_, reason)| reason.clone()).collect();
    assert!(matches!(
        &reasons[..],
        [
            Dropped::NonceUsed { nonce: 0, expected: 2 },
            Dropped::NonceGap { nonce: 1, expected: 0 },
            Dropped::Invalid(_),
            Dropped::Fault(_),
        ]
    ));
    assert_eq!(execute(&world, &built.included), Ok(built.executed.clone()));
    // Decoded from bytes, with no sender known, the outcome is the same.
    let fresh: Vec<_> =
        built.included.iter().map(|tx| Tx::decode(tx.raw().clone()).unwrap()).collect();
    assert_eq!(execute(&world, &fresh), Ok(built.executed));
}

#[test]
fn building_keeps_to_the_limits() {
    let world = World::new();
    let txs: Vec<_> = (0..5).map(|nonce| sign(&world.me, add(nonce, 1))).collect();
    let few = build(&world, &txs, BuildLimits { transactions: 2, ..ROOMY });
    assert_eq!((few.included.len(), few.dropped.len()), (2, 0));
    // Room for the whole limit of a transaction is asked for, not only for what it uses.
    let small = build(&world, &txs, BuildLimits { gas: 2_050_000, ..ROOMY });
    assert_eq!(small.included.len(), 2);
    assert_eq!(small.dropped[0].1, Dropped::NoRoom);
    let short = build(&world, &txs, BuildLimits { bytes: txs[0].raw().len() * 3, ..ROOMY });
    assert_eq!(short.included.len(), 3);
    let past = Some(std::time::Instant::now());
    assert!(build(&world, &txs, BuildLimits { deadline: past, ..ROOMY }).included.is_empty());
}

#[test]
fn a_block_of_many_equals_blocks_of_one() {
    let mut together = World::new();
    let mut alone = World::new();
    let token = together.deploy(TOKEN, &U256::from(1_000).abi_encode());
    alone.deploy(TOKEN, &U256::from(1_000).abi_encode());
    let call = |nonce: u64, to: Address, input: Vec<u8>| TxEip1559 {
        to: TxKind::Call(to),
        input: input.into(),
        nonce,
        ..blank()
    };
    let transfer = |n: u64| {
        let to = Address::with_last_byte(100 + n as u8 % 3);
        IToken::transferCall { to, value: U256::from(n) }.abi_encode()
    };
    let mut txs: Vec<_> = (1..9).map(|n| sign(&together.me, call(n, token, transfer(n)))).collect();
    txs.push(sign(&together.me, add(9, 3)));
    txs.push(sign(&together.me, call(10, COUNTER, ICounter::clearCall {}.abi_encode())));
    let executed = together.block(&txs);
    let gas: u64 = txs.iter().map(|tx| alone.block(std::slice::from_ref(tx)).gas_used).sum();
    assert_eq!(executed.gas_used, gas);
    assert_eq!(together.state, alone.state);
    // A slot that was written and restored within the block is no change.
    assert!(!executed.changes.accounts.contains_key(&COUNTER));
}

#[test]
fn contracts_that_die_in_their_transaction_leave_nothing() {
    let mut world = World::new();
    world.fund(world.me.address(), 100);
    let hatchery = world.deploy(HATCHERY, &[]);
    let hatch = IHatchery::hatchCall { salt: B256::ZERO };
    let child = world.answer(hatchery, &hatch);
    let me = world.me.clone();
    let tx = |nonce, to, value: u64| {
        let input = if to == hatchery { hatch.abi_encode().into() } else { Bytes::new() };
        let (to, value) = (TxKind::Call(to), U256::from(value));
        sign(&me, TxEip1559 { to, input, nonce, value, ..blank() })
    };
    let executed = world.block(&[tx(1, hatchery, 5), tx(2, hatchery, 6)]);
    assert!(executed.receipts.iter().all(|receipt| receipt.status()));
    assert!(!world.state.accounts.contains_key(&child));
    assert_eq!(world.state.accounts[&hatchery].balance, U256::from(11));
    // Sent to after its death within one block: a plain account with a balance.
    world.block(&[tx(3, hatchery, 1), tx(4, child, 9)]);
    assert_eq!(
        world.state.accounts[&child],
        AccountState { balance: U256::from(9), ..Default::default() }
    );
    // Made again on top of that balance, and gone with it.
    let executed = world.block(&[tx(5, hatchery, 1)]);
    assert_eq!(executed.changes.accounts[&child].state, None);
    assert_eq!(world.state.accounts[&hatchery].balance, U256::from(22));
}

/// A state whose storage cannot be read.
struct Damaged(MapState);

impl StateReader for Damaged {
    fn account(&self, address: Address) -> Result<Option<AccountState>, StateError> {
        self.0.account(address)
    }
    fn storage(&self, _: Address, _: U256) -> Result<U256, StateError> {
        Err(StateError("damaged".into()))
    }
    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.0.code(hash)
    }
    fn block_hash(&self, height: u64) -> Result<B256, StateError> {
        self.0.block_hash(height)
    }
}

#[test]
fn a_damaged_store_is_a_fault_and_no_verdict() {
    let mut world = World::new();
    let probe = world.deploy_probe();
    let input = IProbe::totalCall {}.abi_encode();
    let txs = [sign(&world.me, add(1, 1)), world.tx(TxKind::Call(probe), input, 0)];
    let damaged = Damaged(world.state.clone());
    for tx in txs {
        let executed = execute_with(&damaged, &world.env(), std::slice::from_ref(&tx), NATIVES);
        assert!(matches!(executed, Err(BlockFault::Fault(_))), "{executed:?}");
        let mut candidates = [tx].into_iter();
        let built = build_with(&damaged, &world.env(), &mut candidates, ROOMY, NATIVES);
        assert!(matches!(built, Err(BlockFault::Fault(_))));
    }
}

#[test]
fn headers_follow_their_parents() {
    let mut world = World::new();
    let parent = crate::header::empty_header();
    let parent = tulou_primitives::Header { gas_limit: GAS_LIMIT, ..parent };
    let env = world.env();
    let tx = sign(&world.me, add(0, 1));
    let executed = world.block(&[tx]);
    let header = seal_header(&parent, &env, &executed, B256::repeat_byte(1));
    assert_eq!(validate_header(&parent, &header), Ok(()));
    assert_eq!(header.parent_hash, parent.hash_slow());
    let wrong: [fn(&mut tulou_primitives::Header); 7] = [
        |h| h.number += 1,
        |h| h.timestamp = 0,
        |h| h.gas_used = h.gas_limit + 1,
        |h| h.base_fee_per_gas = Some(1),
        |h| h.withdrawals_root = None,
        |h| h.mix_hash = B256::repeat_byte(1),
        |h| h.slot_number = Some(1),
    ];
    let parent = tulou_primitives::Header { timestamp: 1, ..parent };
    for (i, spoil) in wrong.iter().enumerate() {
        let mut spoiled = header.clone();
        spoil(&mut spoiled);
        assert!(validate_header(&parent, &spoiled).is_err(), "{i}");
    }
}
