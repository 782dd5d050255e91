//! Who may send, and who may create contracts, by the council's word.

use std::sync::Arc;

use alloy_consensus::{TxEip1559, TxEip7702};
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address, B256, TxKind, U256, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolError};
use tulou_modules::{
    COUNCIL,
    accounts::IAccounts::{self, freezeCall, unfreezeCall},
    address,
    council::ICouncil::{
        allowDeployerCall, freezeAccountCall, setAccountCall, setParameterCall, unfreezeAccountCall,
    },
    schedule::ISchedule,
};
use tulou_primitives::{
    Batch, BatchSignature, Call, Genesis, GenesisMember, NodeKind, SignedBatch, SignedSm2, Suite,
    Tx,
};
use tulou_slots::Memory;

use super::world::*;
use crate::{
    BlockFault, BuildLimits, Denied, Dropped, admission,
    executor::{build_with, execute_with},
    provider::INative,
};

/// Last second before the freeze ends, in the world's first block.
const UNTIL: u64 = 1_700_000_000 + 3_600;

/// What the council of four members has said, and a world under it.
pub(super) struct Council {
    pub(super) memory: Memory,
    pub(super) world: World,
}

impl Council {
    pub(super) fn new() -> Self {
        let members = (1u8..5).map(|number| GenesisMember {
            name: format!("member {number}"),
            account: Address::repeat_byte(0x10 + number),
            weight: 1,
            // Bytes that, repeated, are points of the curve.
            node: B256::repeat_byte([1, 3, 6, 9][usize::from(number) - 1]),
            kind: NodeKind::Validator,
            address: format!("10.0.0.{number}:9000"),
        });
        let page = Genesis {
            chain_id: CHAIN_ID,
            timestamp: 1_700_000_000,
            gas_limit: GAS_LIMIT,
            epoch_length: 100,
            heartbeat_ms: 5_000,
            release: 1,
            members: members.collect(),
            packs: vec!["cn".into()],
            ..Default::default()
        };
        let mut memory = Memory::default();
        memory.now = page.timestamp;
        tulou_modules::genesis(&mut memory, &page).expect("a first page");
        let mut council = Self { memory, world: World::new() };
        council.tell();
        council
    }

    /// A decision of the council, in force.
    fn decides(&mut self, call: &impl SolCall) {
        let entry = tulou_modules::route(&COUNCIL).expect("a module");
        self.memory.call(COUNCIL, entry, COUNCIL, call).expect("a decision");
        self.tell();
    }

    fn tell(&mut self) {
        for module in [COUNCIL, address::accounts] {
            self.world.state.slots.retain(|(at, _), _| *at != module);
            let said = self.memory.slots.iter().filter(|((at, _), _)| *at == module);
            self.world.state.slots.extend(said.map(|(slot, value)| (*slot, *value)));
        }
    }

    /// A call of an account about its keys, in force.
    pub(super) fn owns(&mut self, from: Address, call: &impl SolCall) {
        let entry = tulou_modules::route(&address::accounts).expect("a module");
        self.memory.call(address::accounts, entry, from, call).expect("a call about keys");
        self.tell();
    }

    /// A recovery of an account by two friends, finished.
    pub(super) fn recovers(&mut self, account: Address, key: Address) {
        let friends = [0x71u8, 0x72].map(Address::repeat_byte);
        let guardians = friends.map(|account| IAccounts::Guardian { account, office: 0 }).into();
        self.owns(account, &IAccounts::setGuardiansCall { guardians });
        let suite = IAccounts::Suite::P256;
        for friend in friends {
            self.owns(friend, &IAccounts::askRecoveryCall { account, key, suite });
        }
        self.memory.now += 7 * 86_400;
        self.owns(friends[0], &IAccounts::finishRecoveryCall { id: 1 });
        self.memory.now -= 7 * 86_400;
    }

    fn freezes(&mut self, account: Address) {
        let reason = "court order 12".to_owned();
        self.decides(&freezeAccountCall { account, untilAt: UNTIL, code: 2, reason });
    }
}

fn call(world: &World) -> TxEip1559 {
    let input = ICounter::noteCall {}.abi_encode().into();
    let nonce = world.nonce(world.me.address());
    TxEip1559 { to: TxKind::Call(COUNTER), input, nonce, ..blank() }
}

#[test]
fn a_frozen_sender_is_refused_until_the_second_at_which_the_freeze_ends() {
    let mut council = Council::new();
    let me = council.world.me.address();
    let tx = sign(&council.world.me, call(&council.world));
    council.freezes(me);
    let state = &council.world.state;
    for (now, refused) in [(UNTIL - 2, true), (UNTIL - 1, true), (UNTIL, false), (UNTIL + 1, false)]
    {
        let door = admission(state, now, &tx);
        let denied = Denied::Frozen { account: me, until: UNTIL, code: 2 };
        assert_eq!(door, if refused { Err(denied.clone()) } else { Ok(()) }, "at {now}");

        let env = crate::BlockEnv { timestamp: now, ..council.world.env() };
        let executed = execute_with(state, &env, std::slice::from_ref(&tx), NATIVES);
        let limits =
            BuildLimits { gas: GAS_LIMIT, bytes: 1 << 20, transactions: 9, deadline: None };
        let mut candidates = [tx.clone()].into_iter();
        let built = build_with(state, &env, &mut candidates, limits, NATIVES).unwrap();
        if refused {
            let Err(BlockFault::Invalid { index: 0, reason }) = executed else {
                panic!("{executed:?}")
            };
            assert!(reason.contains("by order of a court or authority"), "{reason}");
            assert_eq!(built.dropped, [(tx.hash(), Dropped::Denied(denied))]);
        } else {
            assert!(executed.unwrap().receipts[0].status());
            assert_eq!(built.included.len(), 1);
        }
    }
    council.decides(&unfreezeAccountCall { account: me, reason: "appeal won".into() });
    assert_eq!(admission(&council.world.state, UNTIL - 1, &tx), Ok(()));
}

fn authorize(who: &PrivateKeySigner, address: Address) -> alloy_eips::eip7702::SignedAuthorization {
    let authorization = Authorization { chain_id: U256::from(CHAIN_ID), address, nonce: 0 };
    let signature = who.sign_hash_sync(&authorization.signature_hash()).unwrap();
    authorization.into_signed(signature)
}

#[test]
fn a_frozen_account_cannot_delegate_through_the_transaction_of_another() {
    let mut council = Council::new();
    let frozen = signer(2);
    let tx = sign(
        &council.world.me,
        TxEip7702 {
            chain_id: CHAIN_ID,
            to: COUNTER,
            input: ICounter::noteCall {}.abi_encode().into(),
            gas_limit: 200_000,
            authorization_list: vec![authorize(&signer(3), COUNTER), authorize(&frozen, COUNTER)],
            ..Default::default()
        },
    );
    assert_eq!(admission(&council.world.state, UNTIL - 1, &tx), Ok(()));
    council.freezes(frozen.address());
    let denied = Denied::Frozen { account: frozen.address(), until: UNTIL, code: 2 };
    assert_eq!(admission(&council.world.state, UNTIL - 1, &tx), Err(denied));
    assert_eq!(admission(&council.world.state, UNTIL, &tx), Ok(()));
}

#[test]
fn an_account_that_its_owner_froze_calls_the_module_of_keys_alone() {
    let mut council = Council::new();
    let me = council.world.me.address();
    let tx = sign(&council.world.me, call(&council.world));
    let lift = TxEip1559 {
        to: TxKind::Call(address::accounts),
        input: unfreezeCall {}.abi_encode().into(),
        ..call(&council.world)
    };
    let lift = sign(&council.world.me, lift);
    let delegated = sign(
        &signer(3),
        TxEip7702 {
            chain_id: CHAIN_ID,
            to: COUNTER,
            gas_limit: 200_000,
            authorization_list: vec![authorize(&council.world.me, COUNTER)],
            ..Default::default()
        },
    );
    let code = IAccounts::FreezeCode::Stolen;
    council.owns(me, &freezeCall { account: me, untilAt: UNTIL, code });
    let state = &council.world.state;
    for (now, refused) in [(UNTIL - 1, true), (UNTIL, false)] {
        let denied = Denied::FrozenByOwner { account: me, until: UNTIL, code: 2 };
        let expected = if refused { Err(denied) } else { Ok(()) };
        assert_eq!(admission(state, now, &tx), expected);
        assert_eq!(admission(state, now, &delegated), expected);
        assert_eq!(admission(state, now, &lift), Ok(()));
        let env = crate::BlockEnv { timestamp: now, ..council.world.env() };
        match execute_with(state, &env, std::slice::from_ref(&tx), NATIVES) {
            Err(BlockFault::Invalid { index: 0, reason }) if refused => {
                assert!(reason.contains("a device was stolen"), "{reason}");
            }
            done => assert!(!refused && done.unwrap().receipts[0].status()),
        }
    }
    // Nobody else is touched.
    let other = sign(&signer(3), TxEip1559 { nonce: 0, ..call(&council.world) });
    assert_eq!(admission(state, UNTIL - 1, &other), Ok(()));
    council.owns(me, &unfreezeCall {});
    assert_eq!(admission(&council.world.state, UNTIL - 1, &tx), Ok(()));
}

/// A transaction that carries the delegation of `authority` to a contract, and calls it.
fn delegation(
    sender: &PrivateKeySigner,
    nonce: u64,
    authority: &PrivateKeySigner,
    probe: Address,
) -> Arc<Tx> {
    let tx = TxEip7702 {
        chain_id: CHAIN_ID,
        nonce,
        to: probe,
        input: IProbe::totalCall {}.abi_encode().into(),
        gas_limit: 200_000,
        authorization_list: vec![authorize(authority, probe)],
        ..Default::default()
    };
    sign(sender, tx)
}

#[test]
fn a_lost_key_signs_neither_transactions_nor_delegations() {
    let mut council = Council::new();
    let allow = allowDeployerCall { account: council.world.me.address(), allowed: true };
    council.decides(&allow);
    let lost = signer(2);
    let probe = council.world.deploy_probe();
    let nonce = council.world.nonce(council.world.me.address());
    let delegated = delegation(&council.world.me, nonce, &lost, probe);
    council.world.block(&[delegated]);
    let by_call = IProbe::byCallCall { input: ICounter::noteCall {}.abi_encode().into() };
    assert!(council.world.answer(lost.address(), &by_call).ok, "before the recovery it works");
    let root = Address::repeat_byte(0x99);
    council.recovers(lost.address(), root);
    let denied = Err(Denied::KeyLost { account: lost.address(), root });
    let tx = sign(&lost, TxEip1559 { nonce: 1, ..call(&council.world) });
    let again = delegation(&council.world.me, nonce + 1, &lost, probe);
    for (tx, expected) in [(tx, denied.clone()), (again, denied)] {
        assert_eq!(admission(&council.world.state, UNTIL, &tx), expected);
    }
    // What the lost key delegated to before no longer calls in the account's name.
    let answer = council.world.answer(lost.address(), &by_call);
    let refusal = INative::RootMoved::abi_decode(&answer.output).unwrap();
    assert_eq!((answer.ok, refusal.account, refusal.root), (false, lost.address(), root));
    // The account itself still calls.
    let mut request = council.world.request(COUNTER, &ICounter::noteCall {});
    request.from = lost.address();
    let outcome = council.world.call(&request, None).unwrap();
    assert!(matches!(outcome, crate::CallOutcome::Success { .. }), "{outcome:?}");
}

#[test]
fn code_that_a_frozen_account_delegated_to_before_calls_no_module_in_its_name() {
    let mut council = Council::new();
    let allow = allowDeployerCall { account: council.world.me.address(), allowed: true };
    council.decides(&allow);
    let probe = council.world.deploy_probe();
    let frozen = signer(2);
    let nonce = council.world.nonce(council.world.me.address());
    let delegate = delegation(&council.world.me, nonce, &frozen, probe);
    council.world.block(&[delegate]);
    let by_call = IProbe::byCallCall { input: ICounter::noteCall {}.abi_encode().into() };
    let answer = council.world.answer(frozen.address(), &by_call);
    assert!(answer.ok, "before the freeze it works");
    council.freezes(frozen.address());
    let answer = council.world.answer(frozen.address(), &by_call);
    assert!(!answer.ok);
    let refusal = INative::AccountFrozen::abi_decode(&answer.output).unwrap();
    assert_eq!((refusal.account, refusal.untilAt), (frozen.address(), UNTIL));
    // The contract itself may still be called: only the account is frozen.
    assert!(council.world.answer(probe, &by_call).ok);
}

#[test]
fn contracts_are_created_with_the_councils_leave_alone() {
    let mut council = Council::new();
    let me = council.world.me.address();
    let input = hex::decode(TOKEN.trim()).unwrap();
    let input = [input, U256::from(7).to_be_bytes_vec()].concat();
    let tx = council.world.tx(TxKind::Create, input, 0);
    let (state, env) = (council.world.state.clone(), council.world.env());
    assert_eq!(admission(&state, env.timestamp, &tx), Err(Denied::NoDeployer { account: me }));
    let refused = execute_with(&state, &env, std::slice::from_ref(&tx), NATIVES);
    let Err(BlockFault::Invalid { index: 0, reason }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("council.allowDeployer"), "{reason}");

    council.decides(&allowDeployerCall { account: me, allowed: true });
    assert_eq!(admission(&council.world.state, env.timestamp, &tx), Ok(()));
    let executed =
        execute_with(&council.world.state, &env, std::slice::from_ref(&tx), NATIVES).unwrap();
    assert!(executed.receipts[0].status());
    council.decides(&allowDeployerCall { account: me, allowed: false });
    let denied = Denied::NoDeployer { account: me };
    assert_eq!(admission(&council.world.state, env.timestamp, &tx), Err(denied));
}

fn suites(value: u64) -> setParameterCall {
    setParameterCall { name: "suites".into(), value }
}

#[test]
fn kinds_of_keys_that_the_council_closed_sign_nothing() {
    let mut council = Council::new();
    let tx = sign(&council.world.me, call(&council.world));
    let now = council.world.env().timestamp;
    for open in 1..=7 {
        council.decides(&suites(open));
        let denied = Denied::SuiteClosed { suite: Suite::Secp256k1, open: open as u8 };
        let verdict = if open & 1 == 1 { Ok(()) } else { Err(denied.clone()) };
        assert_eq!(admission(&council.world.state, now, &tx), verdict, "{open}");
        let state = council.world.state.clone();
        let executed =
            execute_with(&state, &council.world.env(), std::slice::from_ref(&tx), NATIVES);
        match (verdict, executed) {
            (Ok(()), Ok(executed)) => assert!(executed.receipts[0].status()),
            (Err(_), Err(BlockFault::Invalid { index: 0, reason })) => {
                assert_eq!(reason, denied.to_string());
            }
            (verdict, executed) => panic!("{verdict:?}, {executed:?}"),
        }
    }
    // Another kind is judged by its own bit.
    let key = tulou_primitives::sm::Sm2Key::from_bytes(&B256::repeat_byte(3)).unwrap();
    let sm2 = SignedSm2::sign(call(&council.world), &key);
    let sm2 = Tx::from_envelope(sm2);
    for open in 1..=7 {
        council.decides(&suites(open));
        let denied = Denied::SuiteClosed { suite: Suite::Sm2, open: open as u8 };
        let verdict = if open & 4 == 4 { Ok(()) } else { Err(denied) };
        assert_eq!(admission(&council.world.state, now, &sm2), verdict, "{open}");
    }
    council.decides(&suites(6));
    let denied = admission(&council.world.state, now, &tx).unwrap_err().to_string();
    assert!(denied.contains("these kinds: P-256 (passkey), SM2;"), "{denied}");
    assert!(denied.contains("nothing was sent"), "{denied}");
}

#[test]
fn what_was_closed_can_be_opened_again_and_due_work_is_done() {
    let mut council = Council::new();
    council.decides(&suites(4));
    let now = council.world.env().timestamp;
    let run = ISchedule::runCall { most: 9 }.abi_encode();
    let at = TxKind::Call(tulou_modules::address::schedule);
    let of = |council: &Council, tx: TxEip1559| {
        admission(&council.world.state, now, &sign(&council.world.me, tx))
    };
    let due = TxEip1559 { to: at, input: run.clone().into(), ..call(&council.world) };
    assert_eq!(of(&council, due.clone()), Ok(()));
    let denied = Err(Denied::SuiteClosed { suite: Suite::Secp256k1, open: 4 });
    for (why, other) in [
        ("another call", TxEip1559 { input: [9, 9, 9, 9].into(), ..due.clone() }),
        ("too short for a call", TxEip1559 { input: run[..3].to_vec().into(), ..due.clone() }),
        ("money with it", TxEip1559 { value: U256::ONE, ..due.clone() }),
        ("another module", TxEip1559 { to: TxKind::Call(COUNTER), ..due.clone() }),
        ("a contract", TxEip1559 { to: TxKind::Create, ..due }),
    ] {
        assert_eq!(of(&council, other), denied, "{why}");
    }
    // Due work does not carry other calls along.
    let calls =
        [(tulou_modules::address::schedule, run), (COUNTER, ICounter::noteCall {}.abi_encode())];
    let calls = calls.map(|(to, input)| Call { to, input: input.into(), ..Default::default() });
    let batch =
        Batch { chain_id: CHAIN_ID, gas_limit: 500_000, calls: calls.into(), ..Default::default() };
    let signature = council.world.me.sign_hash_sync(&batch.signing_hash()).unwrap();
    let signature = BatchSignature::Secp256k1(signature);
    let batch = Tx::from_envelope(SignedBatch { batch, signature });
    assert_eq!(admission(&council.world.state, now, &batch), denied);
    // The account that speaks for a governor goes on with the key it has.
    assert_eq!(of(&council, call(&council.world)), denied);
    council.decides(&setAccountCall { id: 1, account: council.world.me.address() });
    assert_eq!(of(&council, call(&council.world)), Ok(()));
}
