//! Keys that sign for an account: at the door, by the state after the parent.

use std::sync::Arc;

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolError};
use tulou_modules::{
    accounts::IAccounts::{
        FreezeCode, Grant, NoSuchKey, Scope, Suite, authoriseKeyCall, freezeCall, revokeKeyCall,
        unfreezeCall, vetoRecoveryCall,
    },
    address,
    money::{self, IToken},
};
use tulou_primitives::{Batch, BatchSignature, Call, SignedBatch, Tx};

use super::{admission::Council, world::*};
use crate::{
    BatchRequest, CallRequest, Denied, EstimateFault, KeyRefusal, admission, call::Scene,
    executor::execute_with, provider::Natives,
};

const NOW: u64 = 1_700_000_000;
const DAY: u64 = 86_400;

/// A batch that a key signs for an account.
fn signed(key: &PrivateKeySigner, account: Address, calls: &[(Address, Vec<u8>)]) -> Arc<Tx> {
    numbered(key, account, 0, calls)
}

fn numbered(
    key: &PrivateKeySigner,
    account: Address,
    nonce: u64,
    calls: &[(Address, Vec<u8>)],
) -> Arc<Tx> {
    with_gas(key, account, (nonce, 500_000), calls)
}

fn as_calls(calls: &[(Address, Vec<u8>)]) -> Vec<Call> {
    let call = |(to, input): &(Address, Vec<u8>)| Call {
        to: *to,
        value: U256::ZERO,
        input: Bytes::copy_from_slice(input),
    };
    calls.iter().map(call).collect()
}

fn with_gas(
    key: &PrivateKeySigner,
    account: Address,
    (nonce, gas_limit): (u64, u64),
    calls: &[(Address, Vec<u8>)],
) -> Arc<Tx> {
    let calls = as_calls(calls);
    let batch = Batch { chain_id: CHAIN_ID, gas_limit, nonce, calls, ..Default::default() };
    let hash = keccak256([&[4][..], batch.signing_hash().as_slice(), account.as_slice()].concat());
    let inner = BatchSignature::Secp256k1(key.sign_hash_sync(&hash).unwrap());
    let signature = BatchSignature::Keychain { account, inner: Box::new(inner) };
    Tx::from_envelope(SignedBatch { batch, signature })
}

fn phone(key: &PrivateKeySigner) -> Grant {
    let everything = |target| Scope { target, selector: Default::default() };
    Grant {
        key: key.address(),
        suite: Suite::Secp256k1,
        label: B256::ZERO,
        expiresAt: NOW + DAY,
        limitFen: 500,
        periodSeconds: 3_600,
        scope: vec![everything(COUNTER), everything(money::asset_address(1))],
    }
}

fn note() -> (Address, Vec<u8>) {
    (COUNTER, ICounter::noteCall {}.abi_encode())
}

fn pay(amount: u64) -> (Address, Vec<u8>) {
    let call = IToken::transferCall { to: COUNTER, value: U256::from(amount) };
    (money::asset_address(1), call.abi_encode())
}

/// The world's modules, and that of keys.
const WITH_KEYS: Natives = Natives {
    route: |at| match *at == address::accounts {
        true => tulou_modules::route(at),
        false => (NATIVES.route)(at),
    },
    warm: || vec![COUNTER, OTHER, address::accounts],
    sight: None,
};

/// A block in which the module of keys answers, and the state after it.
fn block(council: &mut Council, txs: &[Arc<Tx>]) -> Vec<bool> {
    let marked = council.world.state.accounts[&COUNTER];
    council.world.state.accounts.insert(address::accounts, marked);
    let env = council.world.env();
    let executed = execute_with(&council.world.state, &env, txs, WITH_KEYS).unwrap();
    council.world.state.apply(&executed.changes);
    executed.receipts.iter().map(|receipt| receipt.status()).collect()
}

#[test]
fn what_a_device_spends_counts_within_the_block_and_for_the_next() {
    let mut council = Council::new();
    let (account, key) = (council.world.me.address(), signer(5));
    council.owns(account, &authoriseKeyCall { grant: phone(&key) });
    // Each of the three is within the limit by the state before the block.
    let txs: Vec<_> = [300, 300, 150]
        .into_iter()
        .enumerate()
        .map(|(nonce, fen)| numbered(&key, account, nonce as u64, &[note(), pay(fen)]))
        .collect();
    assert!(txs.iter().all(|tx| admission(&council.world.state, NOW, tx).is_ok()));
    assert_eq!(block(&mut council, &txs), [true, false, true]);
    // What went over was undone whole.
    assert_eq!(council.world.total(COUNTER), U256::from(2));
    let tx = signed(&key, account, &[pay(51)]);
    let why = KeyRefusal::OverLimit { asked: U256::from(51), rest: 50, resets_at: NOW + 3_600 };
    let denied = Denied::Key { account, key: key.address(), why };
    assert_eq!(admission(&council.world.state, NOW, &tx), Err(denied));
    assert_eq!(admission(&council.world.state, NOW + 3_600, &tx), Ok(()));
}

#[test]
fn an_estimate_that_names_the_key_is_what_the_block_takes() {
    let mut council = Council::new();
    let (account, key) = (council.world.me.address(), signer(5));
    council.owns(account, &authoriseKeyCall { grant: phone(&key) });
    assert_eq!(block(&mut council, &[]), [] as [bool; 0]);
    // The first payment of a period writes a word that the next one finds, and a note spends nothing.
    for (nonce, calls) in [vec![pay(300)], vec![pay(100), note()], vec![note()]].iter().enumerate()
    {
        let nonce = nonce as u64;
        let batch =
            BatchRequest { calls: as_calls(calls), verification: 0, key: Some(key.address()) };
        let request = CallRequest { from: account, batch: Some(batch), ..Default::default() };
        let env = council.world.env();
        let state = &council.world.state;
        let scene = Scene { state, env: &env, overrides: None, natives: WITH_KEYS };
        let gas = scene.estimate(&request, GAS_LIMIT).unwrap();
        let tx = |gas| with_gas(&key, account, (nonce, gas), calls);
        let short = execute_with(state, &env, &[tx(gas - 1)], WITH_KEYS);
        assert!(!short.is_ok_and(|executed| executed.receipts[0].status()), "{gas}");
        assert_eq!(block(&mut council, &[tx(gas)]), [true], "{gas}");
    }
    // A key that may not sign has no estimate but the refusal.
    let batch =
        BatchRequest { calls: as_calls(&[note()]), key: Some(COUNTER), ..Default::default() };
    let request = CallRequest { from: account, batch: Some(batch), ..Default::default() };
    let env = council.world.env();
    let state = &council.world.state;
    let scene = Scene { state, env: &env, overrides: None, natives: WITH_KEYS };
    let EstimateFault::Revert(data) = scene.estimate(&request, GAS_LIMIT).unwrap_err() else {
        panic!("estimated")
    };
    assert!(NoSuchKey::abi_decode(&data).is_ok(), "{data}");
}

#[test]
fn a_device_that_is_revoked_earlier_in_the_block_does_nothing() {
    let mut council = Council::new();
    let me = council.world.me.clone();
    let (account, key) = (me.address(), signer(5));
    council.owns(account, &authoriseKeyCall { grant: phone(&key) });
    let revoke = revokeKeyCall { account, key: key.address() }.abi_encode();
    let own = numbered(&me, account, 0, &[(address::accounts, revoke)]);
    let late = numbered(&key, account, 1, &[note()]);
    assert_eq!(block(&mut council, &[own, late]), [true, false]);
    assert_eq!(council.world.total(COUNTER), U256::ZERO);
}

#[test]
fn a_device_signs_within_its_bounds_and_is_told_where_they_are() {
    let mut council = Council::new();
    let (me, key) = (council.world.me.address(), signer(5));
    let account = me;
    let door = |council: &Council, now: u64, calls: &[(Address, Vec<u8>)]| {
        let tx = signed(&key, me, calls);
        assert_eq!(tx.sender(), Ok(me));
        admission(&council.world.state, now, &tx)
    };
    let denied = |why| Err(Denied::Key { account, key: key.address(), why });
    assert_eq!(door(&council, NOW, &[note()]), denied(KeyRefusal::Unknown));
    council.owns(me, &authoriseKeyCall { grant: phone(&key) });
    assert_eq!(door(&council, NOW, &[note(), pay(200), pay(300)]), Ok(()));
    let over = KeyRefusal::OverLimit { asked: U256::from(501), rest: 500, resets_at: NOW + 3_600 };
    assert_eq!(door(&council, NOW, &[note(), pay(201), pay(300)]), denied(over));
    let other = KeyRefusal::OutOfScope { target: address::money };
    assert_eq!(door(&council, NOW, &[note(), (address::money, vec![1; 4])]), denied(other));
    let lift = (address::accounts, unfreezeCall {}.abi_encode());
    let never = KeyRefusal::Never { target: address::accounts };
    assert_eq!(door(&council, NOW, &[lift]), denied(never));
    assert_eq!(door(&council, NOW + DAY - 1, &[note()]), Ok(()));
    let late = KeyRefusal::Over { at: NOW + DAY };
    assert_eq!(door(&council, NOW + DAY, &[note()]), denied(late));
    let code = FreezeCode::Lost;
    council.owns(me, &freezeCall { account, untilAt: NOW + 60, code });
    let frozen = KeyRefusal::Frozen { until: NOW + 60 };
    assert_eq!(door(&council, NOW, &[note()]), denied(frozen));
    let veto = (address::accounts, vetoRecoveryCall { account }.abi_encode());
    assert_eq!(door(&council, NOW, &[veto]), Ok(()));
    council.owns(me, &revokeKeyCall { account, key: key.address() });
    let revoked = door(&council, NOW + 60, &[note()]);
    assert_eq!(revoked, denied(KeyRefusal::Over { at: council.memory.now }));
    let reason = revoked.unwrap_err().to_string();
    assert!(reason.contains("revoked") && reason.contains("nothing was sent"), "{reason}");
}

#[test]
fn after_a_recovery_the_new_key_signs_for_the_account_and_the_old_one_no_longer() {
    let mut council = Council::new();
    let me = council.world.me.clone();
    let (account, key) = (me.address(), signer(6));
    council.recovers(account, key.address());
    // The recovery names P-256, and a key signs as it is known to.
    let tx = signed(&key, account, &[note()]);
    let why = KeyRefusal::OtherKind;
    let denied = Denied::Key { account, key: key.address(), why };
    assert_eq!(admission(&council.world.state, NOW, &tx), Err(denied));
    let tx = signed(&me, account, &[note()]);
    let why = KeyRefusal::Lost { root: key.address() };
    let denied = Denied::Key { account, key: account, why };
    assert_eq!(admission(&council.world.state, NOW, &tx), Err(denied));
}

#[test]
fn the_account_may_sign_for_itself_and_a_stranger_for_nobody() {
    let council = Council::new();
    let me = council.world.me.clone();
    let own = signed(&me, me.address(), &[note()]);
    assert_eq!(admission(&council.world.state, NOW, &own), Ok(()));
    assert_eq!(own.envelope().kind().to(), Some(&COUNTER));
    let account = signer(7).address();
    let foreign = signed(&me, account, &[note()]);
    let why = KeyRefusal::Unknown;
    let denied = Denied::Key { account, key: me.address(), why };
    assert_eq!(admission(&council.world.state, NOW, &foreign), Err(denied));
}
