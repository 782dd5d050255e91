//! Keys within their bounds and one step beyond, recoveries at the exact second, letters of every kind.

use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use tulou_primitives::{Genesis, GenesisMember, OfficeHolder};
use tulou_slots::Memory;

use super::*;
use crate::registry::IRegistry;

mod acts;
mod attest;
mod freeze;
mod keys;
mod letters;
mod random;
mod recovery;

const AT: Address = address::accounts;
const NOW: u64 = 1_772_294_400;
const DAY: u64 = 86_400;

const REGISTRAR: Address = Address::repeat_byte(0xa7);
const CHAIR: Address = Address::repeat_byte(0xa1);
const STREET: Address = Address::repeat_byte(0xa9);
/// Two members of the committee; the second is a daughter of the resident, too.
const MEMBERS: [Address; 2] = [Address::repeat_byte(0xa2), DAUGHTER];
const DAUGHTER: Address = Address::repeat_byte(0xda);
const SON: Address = Address::repeat_byte(0x50);
const STRANGER: Address = Address::repeat_byte(0xee);
/// The resident.
const ME: Address = Address::repeat_byte(0x11);
/// Keys that are no account's yet.
const PHONE: Address = Address::repeat_byte(0xf1);
const TABLET: Address = Address::repeat_byte(0xf2);
const NEW: Address = Address::repeat_byte(0xf3);
const NEWER: Address = Address::repeat_byte(0xf4);

const OWNER: B256 = B256::repeat_byte(1);
const BUYER: B256 = B256::repeat_byte(2);
const PAPER: B256 = B256::repeat_byte(9);

/// A ledger with offices and an estate of two homes: the first is the resident's.
fn start() -> Memory {
    let offices = [
        ("registrar", REGISTRAR),
        ("chair", CHAIR),
        ("street_office", STREET),
        ("member", MEMBERS[0]),
        ("member", MEMBERS[1]),
    ];
    let page = Genesis {
        chain_id: 1,
        timestamp: NOW,
        gas_limit: 30_000_000,
        epoch_length: 100,
        heartbeat_ms: 5_000,
        release: 1,
        members: vec![GenesisMember::lone(B256::repeat_byte(3))],
        offices: offices
            .map(|(office, account)| OfficeHolder { office: office.into(), account, until: 0 })
            .into(),
        ..Default::default()
    };
    let mut m = Memory::default();
    m.now = NOW;
    crate::genesis(&mut m, &page).unwrap();
    let entry = |code: &str| IRegistry::UnitEntry {
        code: code.into(),
        building: 1,
        stair: 1,
        floor: 1,
        r#use: IRegistry::Use::Home,
        areaM2: 9_000,
        areaSource: IRegistry::AreaSource::Registered,
        countsArea: true,
        countsHead: true,
        delivered: true,
        developerOwned: false,
    };
    let entries = vec![entry("1-101"), entry("1-102")];
    estate(&mut m, &IRegistry::addUnitsCall { entries });
    estate(&mut m, &IRegistry::addOwnersCall { owners: vec![OWNER, BUYER] });
    estate(&mut m, &IRegistry::addHoldingsCall { holdings: vec![sole(1, OWNER)] });
    m
}

fn sole(unit: u64, owner: B256) -> IRegistry::Holding {
    let kind = IRegistry::HoldingKind::Sole;
    IRegistry::Holding { unit, owner, shareNum: 1, shareDen: 1, kind, since: NOW }
}

/// The registrar's entry in the register.
fn estate<C: SolCall>(m: &mut Memory, call: &C) -> C::Return {
    m.call(address::registry, registry::entry, REGISTRAR, call).unwrap()
}

/// The same ledger where the resident is bound to the first home.
fn settled() -> Memory {
    let mut m = start();
    estate(&mut m, &IRegistry::bindCall { accounts: vec![ME], owners: vec![OWNER] });
    m
}

/// By which way an account came to act for its owner.
fn way_of(m: &mut Memory, account: Address) -> (Way, u64, u64) {
    let found = estate(m, &IRegistry::bindingOfCall { account });
    (found.way, found.source, found.boundAt)
}

fn call<C: SolCall>(m: &mut Memory, from: Address, call: &C) -> Res<C::Return> {
    m.call(AT, entry, from, call)
}

#[track_caller]
fn done<C: SolCall>(m: &mut Memory, from: Address, made: &C) -> C::Return {
    call(m, from, made).unwrap()
}

/// The typed refusal of a call.
#[track_caller]
fn refused<E: alloy_sol_types::SolError>(m: &mut Memory, from: Address, made: &impl SolCall) -> E {
    let slots = m.slots.clone();
    let fault = m.run(AT, from, |cx| entry(cx, &made.abi_encode())).unwrap_err();
    assert_eq!(m.slots, slots);
    fault.refusal().unwrap_or_else(|| panic!("{fault:?} instead of {}", E::SIGNATURE))
}

fn everything(target: Address) -> Scope {
    Scope { target, selector: Default::default() }
}

/// A phone that may ask for repairs and spend 50 yuan a day.
fn phone() -> Grant {
    Grant {
        key: PHONE,
        suite: Suite::P256,
        label: PAPER,
        expiresAt: NOW + 100 * DAY,
        limitFen: 5_000,
        periodSeconds: DAY,
        scope: vec![everything(token()), everything(address::money)],
    }
}

fn token() -> Address {
    money::asset_address(money::CNY)
}

fn authorise(m: &mut Memory, grant: Grant) {
    done(m, ME, &authoriseKeyCall { grant });
}

/// Son, the committee's members, and the street office.
fn guardians() -> Vec<Guardian> {
    let of = |account, office: Office| Guardian { account, office: office as u8 };
    vec![
        of(Address::ZERO, Office::Member),
        of(DAUGHTER, Office::None),
        of(Address::ZERO, Office::StreetOffice),
    ]
}

fn guarded() -> Memory {
    let mut m = settled();
    done(&mut m, ME, &setGuardiansCall { guardians: guardians() });
    m
}

fn asks(m: &mut Memory, from: Address, key: Address) -> Res<u64> {
    call(m, from, &askRecoveryCall { account: ME, key, suite: Suite::WebAuthn })
}

/// A recovery by the daughter and the street office.
fn opened(m: &mut Memory, key: Address) -> u64 {
    assert_eq!(asks(m, DAUGHTER, key), Ok(0));
    asks(m, STREET, key).unwrap()
}

fn now_of(m: &mut Memory) -> IAccounts::Account {
    done(m, STRANGER, &accountCall { ofAccount: ME })
}
