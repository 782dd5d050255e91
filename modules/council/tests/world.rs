//! A consortium of as many members as a test needs.

use alloy_primitives::Bytes;
use alloy_sol_types::{SolCall, SolError, SolEvent};
use tulou_primitives::{Genesis, GenesisMember, NodeKind, OfficeHolder};
use tulou_slots::Memory;

use crate::council::{ICouncil::*, entry};
use crate::prelude::*;

pub(crate) const NOW: u64 = 1_767_196_800;
pub(crate) const DAY: u64 = 86_400;
pub(crate) const VOTING: u64 = 7 * DAY;
pub(crate) const DELAY: u64 = 2 * DAY;
pub(crate) const ANYBODY: Address = Address::repeat_byte(0xab);
pub(crate) const CHAIR: Address = Address::repeat_byte(0xc4);
pub(crate) const COUNCIL: Address = crate::COUNCIL;

/// Bytes that, repeated, are points of edwards25519.
const POINTS: [u8; 70] = [
    1, 3, 6, 9, 10, 11, 12, 16, 17, 19, 22, 23, 25, 26, 29, 32, 34, 35, 36, 37, 40, 42, 44, 46, 47,
    50, 51, 53, 54, 58, 71, 73, 76, 77, 78, 81, 83, 84, 85, 89, 91, 98, 102, 103, 104, 105, 106, 108,
    111, 113, 117, 119, 120, 121, 123, 124, 126, 128, 129, 131, 134, 137, 138, 139, 140, 141, 142,
    143, 145, 148,
];

/// The key with this number, from 0; ascending.
pub(crate) fn key(number: usize) -> B256 {
    B256::repeat_byte(POINTS[number])
}

/// Account of a member, by its number from 1.
pub(crate) fn member(number: u8) -> Address {
    Address::repeat_byte(0x10 + number)
}

/// A first page with one member and one validator for each weight.
pub(crate) fn first_page(weights: &[u32]) -> Genesis {
    let members = (1u8..).zip(weights).map(|(number, &weight)| GenesisMember {
        name: format!("member {number}"),
        account: member(number),
        weight,
        node: key(usize::from(number) - 1),
        kind: NodeKind::Validator,
        address: format!("10.0.0.{number}:9000"),
    });
    Genesis {
        chain_id: 7,
        timestamp: NOW,
        gas_limit: 30_000_000,
        epoch_length: 100,
        heartbeat_ms: 5_000,
        estate: "Guihua Garden".into(),
        release: 1,
        members: members.collect(),
        packs: vec!["cn".into()],
        offices: vec![OfficeHolder { office: "chair".into(), account: CHAIR, until: NOW + 9 * DAY }],
        ..Default::default()
    }
}

pub(crate) fn begin(page: &Genesis) -> Res<Memory> {
    let mut m = Memory::default();
    m.now = page.timestamp;
    crate::genesis(&mut m, page).map(|()| m)
}

/// A consortium with these weights, in its first block.
pub(crate) fn consortium(weights: &[u32]) -> Memory {
    let mut m = begin(&first_page(weights)).unwrap();
    m.height = 1;
    m
}

/// One call of the council's interface.
pub(crate) fn call<C: SolCall>(m: &mut Memory, caller: Address, call: &C) -> Res<C::Return> {
    m.call(COUNCIL, entry, caller, call)
}

/// The refusal of this kind, or a panic that shows what came instead.
pub(crate) fn refused<Error: SolError>(result: Res<impl Sized>) -> Error {
    let Err(fault) = result else { panic!("it went through") };
    fault.refusal().unwrap_or_else(|| panic!("another refusal: {fault:?}"))
}

pub(crate) fn proposed(target: Address, call: &impl SolCall) -> proposeCall {
    let call = call.abi_encode().into();
    proposeCall { target, call, title: "A change".into(), textHash: B256::repeat_byte(7) }
}

/// Proposes a call as member 1.
pub(crate) fn propose(m: &mut Memory, target: Address, input: &impl SolCall) -> u64 {
    call(m, member(1), &proposed(target, input)).unwrap()
}

/// Votes of members by number.
pub(crate) fn vote(m: &mut Memory, id: u64, members: &[u8], in_favour: bool) {
    for number in members {
        call(m, member(*number), &voteCall { id, inFavour: in_favour }).unwrap();
    }
}

pub(crate) fn state(m: &mut Memory, id: u64) -> ProposalState {
    call(m, ANYBODY, &proposalCall { id }).unwrap().state
}

/// Lets members 1 to 5 decide a call and makes it; the refusal where it was refused.
pub(crate) fn decide(m: &mut Memory, target: Address, input: &impl SolCall) -> Result<(), Bytes> {
    let id = propose(m, target, input);
    vote(m, id, &[1, 2, 3, 4, 5], true);
    m.now += VOTING + DELAY;
    let done = call(m, ANYBODY, &executeCall { id }).unwrap();
    if done {
        return Ok(());
    }
    let data = &m.logs.last().unwrap().1;
    Err(ExecutionRefused::decode_log_data(data).unwrap().refusal)
}
