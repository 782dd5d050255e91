//! The first page.

use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_sol_types::SolError;
use tulou_primitives::{Genesis, GenesisAccount, GenesisMember, NodeKind, OfficeHolder};

use tulou_slots::ISystem;

use super::world::*;
use crate::{
    BuildLimits, CallOutcome, CallRequest, build, call,
    executor::execute_with,
    genesis_block, genesis_changes,
    provider::{Natives, marker_hash},
};

fn sample() -> Genesis {
    let account = GenesisAccount {
        balance: U256::from(10),
        nonce: 2,
        code: Bytes::from_static(&[0x60, 0x00]),
        storage: [(U256::ONE, U256::from(3)), (U256::from(2), U256::ZERO)].into(),
    };
    Genesis {
        chain_id: 7755,
        timestamp: 1_700_000_000,
        gas_limit: 60_000_000,
        epoch_length: 100,
        heartbeat_ms: 1_000,
        release: 1,
        members: vec![GenesisMember::lone(B256::repeat_byte(1))],
        packs: vec![],
        offices: vec![],
        accounts: [(Address::repeat_byte(1), account)].into(),
        ..Default::default()
    }
}

#[test]
fn accounts_and_native_addresses_exist() {
    let changes = genesis_changes(&sample()).unwrap();
    let account = &changes.accounts[&Address::repeat_byte(1)];
    let state = account.state.unwrap();
    assert_eq!((state.nonce, state.balance), (2, U256::from(10)));
    assert_eq!(changes.code[&state.code_hash], Bytes::from_static(&[0x60, 0x00]));
    assert_eq!(account.storage.len(), 1);
    for module in tulou_modules::ALL {
        let state = changes.accounts[&module.address].state.unwrap();
        assert_eq!((state.nonce, state.code_hash), (1, marker_hash()), "{}", module.name);
    }
    assert_eq!(changes, genesis_changes(&sample()).unwrap());
}

#[test]
fn a_genesis_that_cannot_be_is_refused() {
    let mut taken = sample();
    taken.accounts.insert(tulou_modules::ALL[0].address, GenesisAccount::default());
    assert!(genesis_changes(&taken).is_err());
    let mut code = sample();
    code.accounts.values_mut().for_each(|a| a.code = Bytes::from_static(&[0xef, 0x01, 0x00]));
    assert!(genesis_changes(&code).is_err());
    let mut packs = sample();
    packs.packs = vec!["no-such-pack".into()];
    assert!(genesis_changes(&packs).is_err());
}

#[test]
fn the_modules_answer_from_the_first_block_on() {
    let mut genesis = sample();
    genesis.packs = vec!["cn".into()];
    let mut world = World::new();
    world.state = MapState::default();
    world.state.apply(&genesis_changes(&genesis).unwrap());
    let env = world.env();
    for module in tulou_modules::ALL {
        let request = CallRequest { to: Some(module.address), ..Default::default() };
        let outcome = call(&world.state, &env, &request, None, GAS_LIMIT, None).unwrap();
        let CallOutcome::Revert { output, .. } = outcome else { panic!("{}", module.name) };
        ISystem::UnknownSelector::abi_decode(&output).unwrap();
    }
    let tx = world.tx(TxKind::Call(tulou_modules::ALL[0].address), vec![1, 2, 3, 4], 0);
    let limits = BuildLimits { gas: GAS_LIMIT, bytes: 10_000, transactions: 10, deadline: None };
    let built = build(&world.state, &env, &mut [tx].into_iter(), limits).unwrap();
    assert!(!built.executed.receipts[0].status());
    assert_eq!(
        execute_with(&world.state, &env, &built.included, Natives::STANDARD),
        Ok(built.executed)
    );
}

#[test]
fn every_field_decides_the_hash() {
    let hash = |genesis: &Genesis| genesis_block(genesis, B256::ZERO).hash();
    let base = hash(&sample());
    assert_eq!(base, hash(&sample()));
    assert_ne!(base, genesis_block(&sample(), B256::repeat_byte(1)).hash());
    let office = OfficeHolder { office: "registrar".into(), account: Address::ZERO, until: 0 };
    let edits: [&dyn Fn(&mut Genesis); 24] = [
        &|g| g.chain_id += 1,
        &|g| g.timestamp += 1,
        &|g| g.gas_limit += 1,
        &|g| g.epoch_length += 1,
        &|g| g.heartbeat_ms += 1,
        &|g| g.members.push(GenesisMember::lone(B256::ZERO)),
        &|g| g.members[0].name.push('x'),
        &|g| g.members[0].account = Address::repeat_byte(9),
        &|g| g.members[0].weight = 1,
        &|g| g.members[0].kind = NodeKind::Archive,
        &|g| g.members[0].address.push('x'),
        &|g| g.estate.push('x'),
        &|g| g.release += 1,
        &|g| g.council.voting_s += 1,
        &|g| g.council.delay_s += 1,
        &|g| g.council.participation.num += 1,
        &|g| g.council.majority.den += 1,
        &|g| g.council.veto.den += 1,
        &|g| g.packs.push("cn".into()),
        &|g| g.offices.push(office.clone()),
        &|g| g.accounts.clear(),
        &|g| g.accounts.values_mut().for_each(|a| a.nonce += 1),
        &|g| g.accounts.values_mut().for_each(|a| a.code = Bytes::new()),
        &|g| g.accounts.values_mut().for_each(|a| a.storage.clear()),
    ];
    for (i, edit) in edits.iter().enumerate() {
        let mut genesis = sample();
        edit(&mut genesis);
        assert_ne!(hash(&genesis), base, "{i}");
    }
}
