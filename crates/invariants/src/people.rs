//! Who acts: the accounts of the founded world, and the things they name.

use alloy_primitives::{Address, B256, keccak256};

/// Seconds of an hour.
pub const HOUR: u64 = 3_600;
/// Seconds of a day.
pub const DAY: u64 = 86_400;
/// The founding: 2026-03-01 09:00 in Shanghai.
pub const START: u64 = 1_772_294_400 + 9 * HOUR;
/// Heights of an epoch: few, so that sets of validators come and go.
pub const EPOCH: u64 = 8;

/// Accounts that speak for the member organisations, by number from 1.
pub const MEMBERS: [Address; 6] = numbered::<6>(0x10);
/// Weights of the members at the founding.
pub const WEIGHTS: [u32; 6] = [2, 2, 2, 2, 1, 0];
/// Holds the office of that name, as all that follow.
pub const CHAIR: Address = Address::repeat_byte(0xa1);
/// Members of the committee.
pub const COMMITTEE: [Address; 3] = numbered::<3>(0xa2);
/// Keeps the books.
pub const TREASURER: Address = Address::repeat_byte(0xa5);
/// Property manager.
pub const MANAGER: Address = Address::repeat_byte(0xa6);
/// Keeps the register.
pub const REGISTRAR: Address = Address::repeat_byte(0xa7);
/// Supervises.
pub const AUDITOR: Address = Address::repeat_byte(0xa8);
/// Street office.
pub const STREET: Address = Address::repeat_byte(0xa9);
/// Bank.
pub const BANK: Address = Address::repeat_byte(0xaa);
/// Read paper ballots.
pub const COUNTERS: [Address; 2] = numbered::<2>(0xab);
/// Sends what is due.
pub const KEEPER: Address = Address::repeat_byte(0xad);
/// Housing bureau.
pub const HOUSING: Address = Address::repeat_byte(0xae);
/// Nobody in particular.
pub const STRANGER: Address = Address::repeat_byte(0xee);
/// Accounts of the owners.
pub const OWNERS: [Address; 12] = numbered::<12>(0x40);

/// Keys of devices, which may also send for themselves.
pub const DEVICES: [Address; 6] = numbered::<6>(0x60);

const fn numbered<const N: usize>(first: u8) -> [Address; N] {
    let mut all = [Address::ZERO; N];
    let mut i = 0;
    while i < N {
        all[i] = Address::repeat_byte(first + i as u8);
        i += 1;
    }
    all
}

/// Everybody who may call.
pub fn everybody() -> Vec<Address> {
    let single =
        [CHAIR, TREASURER, MANAGER, REGISTRAR, AUDITOR, STREET, BANK, KEEPER, HOUSING, STRANGER];
    let mut all = single.to_vec();
    all.extend(MEMBERS.into_iter().chain(COMMITTEE).chain(COUNTERS).chain(OWNERS).chain(DEVICES));
    all
}

/// Bytes that, repeated, are points of edwards25519 and not of small order.
pub const POINTS: [u8; 24] =
    [3, 6, 9, 10, 11, 12, 16, 17, 19, 22, 23, 25, 26, 29, 32, 34, 35, 36, 37, 40, 42, 44, 46, 47];

/// Key of a node by number from 0; from [`POINTS`] on one that cannot sign.
pub fn key(number: usize) -> B256 {
    POINTS.get(number).map_or(B256::repeat_byte(2), |byte| B256::repeat_byte(*byte))
}

/// Commitment to an owner by number.
pub fn commitment(number: usize) -> B256 {
    keccak256(format!("owner {number}"))
}

/// Hash of a document by number.
pub fn paper(number: usize) -> B256 {
    keccak256(format!("document {number}"))
}

/// Commitment to a payee by number.
pub fn payee(number: usize) -> B256 {
    keccak256(format!("payee {number}"))
}
