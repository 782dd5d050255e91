//! The precompiles of the national algorithms as contracts meet them.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, b256, hex};
use alloy_sol_types::{SolCall, SolEvent};
use tulou_primitives::{
    SignedSm2, Tx, TxType,
    sm::{Sm2Key, sm3},
};

use super::world::*;
use crate::{
    BlockFault, CallOutcome, CallRequest, SM2_GAS, SM2VERIFY, SM3, call::Scene, ethereum,
    executor::execute_with, genesis_changes,
};

/// e, r, s, x, y of the example of GB/T 32918.5, annex A.
const EXAMPLE: [B256; 5] = [
    b256!("f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640"),
    b256!("f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"),
    b256!("b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"),
    b256!("09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"),
    b256!("ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"),
];

fn example() -> Bytes {
    EXAMPLE.concat().into()
}

fn call(world: &World, to: Address, input: Bytes, gas: Option<u64>) -> CallOutcome {
    let request = CallRequest { to: Some(to), input, gas, ..Default::default() };
    world.call(&request, None).unwrap()
}

fn output(world: &World, to: Address, input: Bytes) -> Bytes {
    match call(world, to, input, None) {
        CallOutcome::Success { output, .. } => output,
        other => panic!("{other:?}"),
    }
}

#[test]
fn sm2verify_answers_one_or_nothing() {
    let world = World::new();
    let one = Bytes::from(B256::with_last_byte(1));
    assert_eq!(output(&world, SM2VERIFY, example()), one);
    for place in 0..160 {
        let mut changed = example().to_vec();
        changed[place] ^= 1;
        assert_eq!(output(&world, SM2VERIFY, changed.into()), Bytes::new(), "byte {place}");
    }
    for length in [0, 1, 32, 128, 159] {
        let short = example().slice(..length);
        assert_eq!(output(&world, SM2VERIFY, short), Bytes::new(), "{length} bytes");
    }
    for more in [1, 32, 160] {
        let long = [example().to_vec(), vec![0; more]].concat();
        assert_eq!(output(&world, SM2VERIFY, long.into()), Bytes::new(), "{more} bytes more");
    }
}

#[test]
fn sm3_hashes_any_input() {
    let world = World::new();
    let abc = b256!("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    assert_eq!(output(&world, SM3, Bytes::from_static(b"abc")), Bytes::from(abc));
    for length in [0, 1, 31, 32, 33, 1_000] {
        let data = vec![0x53; length];
        assert_eq!(output(&world, SM3, data.clone().into()), Bytes::from(sm3(&data)));
    }
}

#[test]
fn a_contract_calls_them_in_every_way() {
    let mut world = World::new();
    for (at, answer) in [(SM2VERIFY, B256::with_last_byte(1)), (SM3, sm3(&example()))] {
        let probe = world.deploy(PROBE, at.into_word().as_slice());
        let input = example();
        let by_call = world.answer(probe, &IProbe::byCallCall { input: input.clone() });
        let by_static = world.answer(probe, &IProbe::byStaticCallCall { input: input.clone() });
        let by_delegate = world.answer(probe, &IProbe::byDelegateCallCall { input: input.clone() });
        assert_eq!((by_call.ok, by_call.output), (true, Bytes::from(answer)));
        assert_eq!((by_static.ok, by_static.output), (true, Bytes::from(answer)));
        assert_eq!((by_delegate.ok, by_delegate.output), (true, Bytes::from(answer)));
        // In a block, as a transaction.
        let call = IProbe::byCallCall { input }.abi_encode();
        let executed = world.send(alloy_primitives::TxKind::Call(probe), call, 0);
        assert!(executed.receipts[0].status());
    }
}

#[test]
fn a_contract_verifies_a_message_from_its_parts() {
    // What a contract does: ZA from the default identity, the curve and the key, then e, then the check.
    let world = World::new();
    let key = Sm2Key::from_bytes(&B256::repeat_byte(0x11)).unwrap();
    let public = key.public_key();
    let curve = hex!(
        "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc"
        "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93"
        "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
        "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
    );
    let entl = 128u16.to_be_bytes();
    let message = b"motion 12: in favour";
    let identity = [&entl[..], b"1234567812345678", &curve, &public.x[..], &public.y[..]].concat();
    let za = output(&world, SM3, identity.into());
    let e = output(&world, SM3, [&za[..], message].concat().into());
    let signature = key.sign(message);
    let words = [&e[..], &signature.r[..], &signature.s[..], &public.x[..], &public.y[..]];
    let answer = output(&world, SM2VERIFY, words.concat().into());
    assert_eq!(answer, Bytes::from(B256::with_last_byte(1)));
}

#[test]
fn a_transaction_signed_by_sm2_is_executed_as_its_signer() {
    let mut world = World::new();
    let key = Sm2Key::from_bytes(&B256::repeat_byte(0x11)).unwrap();
    let me = key.public_key().address();
    let input: Bytes = ICounter::addCall { n: U256::from(5) }.abi_encode().into();
    let to = alloy_primitives::TxKind::Call(COUNTER);
    let tx = |nonce| TxEip1559 { to, input: input.clone(), nonce, ..blank() };
    let sm2 = |nonce| Tx::from_envelope(SignedSm2::sign(tx(nonce), &key));
    // In one block with another kind, each with its own type in its receipt.
    let other = sign(&world.me, tx(0));
    let executed = world.block(&[sm2(0), other, sm2(1)]);
    let types: Vec<_> = executed.receipts.iter().map(|r| (r.tx_type(), r.status())).collect();
    assert_eq!(types, [(TxType::Sm2, true), (TxType::Eip1559, true), (TxType::Sm2, true)]);
    let event = ICounter::Added::decode_log_data(&executed.receipts[0].logs()[0].data).unwrap();
    assert_eq!((event.who, event.total), (me, U256::from(5)));
    assert_eq!((world.nonce(me), world.nonce(world.me.address())), (2, 1));
    // Not again, and not with a signature of something else.
    let env = world.env();
    let forged = SignedSm2 { tx: tx(2), ..SignedSm2::sign(tx(3), &key) };
    for (bad, word) in [(sm2(1), "nonce"), (Tx::from_envelope(forged), "signature")] {
        let Err(BlockFault::Invalid { index: 0, reason }) =
            execute_with(&world.state, &env, &[bad], NATIVES)
        else {
            panic!("taken")
        };
        assert!(reason.contains(word), "{reason}");
    }
}

#[test]
fn a_signature_by_sm2_is_paid_and_not_a_unit_less() {
    let mut world = World::new();
    let key = Sm2Key::from_bytes(&B256::repeat_byte(0x11)).unwrap();
    let from = key.public_key().address();
    let friend = Address::repeat_byte(9);
    let add: Bytes = ICounter::addCall { n: U256::from(5) }.abi_encode().into();
    let code: Bytes = vec![1; 33].into();
    // Who is called, with what, and the least gas: a transfer, calldata whose floor is more than its price
    // by the standard, a creation, a call.
    for (to, input, least) in [
        (Some(friend), Bytes::new(), Some(21_000 + 31_500)),
        (Some(friend), vec![1; 100].into(), Some(25_000 + 31_500)),
        (None, Bytes::new(), Some(53_000 + 31_500)),
        (Some(COUNTER), add, None),
        (Some(friend), code, None),
    ] {
        let request = CallRequest {
            from,
            to,
            input: input.clone(),
            surcharge: SM2_GAS,
            ..Default::default()
        };
        let env = world.env();
        let scene = Scene { state: &world.state, env: &env, overrides: None, natives: NATIVES };
        let gas = scene.estimate(&request, GAS_LIMIT).unwrap();
        assert_eq!(gas, least.unwrap_or(gas), "{to:?}");
        let without = CallRequest { surcharge: 0, ..request };
        assert_eq!(gas, scene.estimate(&without, GAS_LIMIT).unwrap() + SM2_GAS, "{to:?}");
        let kind = to.map_or(TxKind::Create, TxKind::Call);
        let tx = |gas_limit| {
            let (nonce, input) = (world.nonce(from), input.clone());
            Tx::from_envelope(SignedSm2::sign(
                TxEip1559 { to: kind, input, nonce, gas_limit, ..blank() },
                &key,
            ))
        };
        let (short, enough) = (tx(gas - 1), tx(gas));
        match execute_with(&world.state, &env, &[short], NATIVES) {
            Ok(executed) => assert!(least.is_none() && !executed.receipts[0].status()),
            Err(BlockFault::Invalid { index: 0, reason }) => assert!(reason.contains("gas")),
            Err(other) => panic!("{other:?}"),
        }
        let executed = world.block(&[enough]);
        assert!(executed.receipts[0].status(), "{to:?}");
        assert_eq!(executed.gas_used, gas, "{to:?}");
    }
}

#[test]
fn they_cost_what_the_reference_says_and_not_a_unit_less() {
    let mut world = World::new();
    for (at, input, price) in [
        (SM2VERIFY, example(), 34_500),
        (SM2VERIFY, Bytes::new(), 34_500),
        (SM3, Bytes::new(), 60),
        (SM3, Bytes::from_static(b"abc"), 72),
        (SM3, vec![1; 32].into(), 72),
        (SM3, vec![1; 33].into(), 84),
    ] {
        let probe = world.deploy(PROBE, at.into_word().as_slice());
        for (most, ok) in [(price - 1, false), (price, true)] {
            let call = IProbe::byCallWithGasCall { most: U256::from(most), input: input.clone() };
            assert_eq!(world.answer(probe, &call).ok, ok, "{at} with {most}");
        }
    }
}

#[test]
fn they_are_known_as_precompiles_and_belong_to_nobody() {
    let own = ethereum::precompiles(None);
    assert!(own.contains(&("SM2VERIFY", SM2VERIFY)) && own.contains(&("SM3", SM3)));
    let foreign = ethereum::precompiles(ethereum::Fork::named("Osaka"));
    assert!(foreign.iter().all(|(_, at)| ![SM2VERIFY, SM3].contains(at)));
    for at in [SM2VERIFY, SM3] {
        assert!(!tulou_modules::is_native(&at), "the number belongs to a module");
        let mut page = tulou_primitives::Genesis::default();
        page.accounts.insert(at, Default::default());
        let refused = genesis_changes(&page).unwrap_err();
        assert!(refused.contains("belongs to native code"), "{refused}");
    }
}
