//! The table as a whole, and genesis.

#[path = "layout/tests.rs"]
mod layout;

use std::collections::BTreeSet;

use alloy_json_abi::StateMutability;
use tulou_primitives::{Genesis, GenesisMember, OfficeHolder};
use tulou_slots::{ISystem, Memory};

use crate::{prelude::*, roles::Office, *};

const NOW: u64 = 1_767_196_800;
/// A point of the curve.
const KEY: B256 = B256::repeat_byte(3);
const CHAIR: Address = Address::repeat_byte(0xc4);

fn first_page() -> Genesis {
    Genesis {
        chain_id: 7,
        timestamp: NOW,
        gas_limit: 30_000_000,
        epoch_length: 100,
        heartbeat_ms: 5_000,
        release: 1,
        members: vec![GenesisMember::lone(KEY)],
        packs: vec!["cn".into(), "cn-hangzhou".into()],
        offices: vec![OfficeHolder { office: "chair".into(), account: CHAIR, until: NOW + 9 }],
        ..Default::default()
    }
}

fn begin(page: &Genesis) -> Result<Memory, Fault> {
    let mut m = Memory::default();
    m.now = NOW;
    genesis(&mut m, page).map(|()| m)
}

#[test]
fn genesis_marks_modules_loads_packs_and_gives_offices() {
    let mut m = begin(&first_page()).unwrap();
    assert!(ALL.iter().all(|module| m.marked.contains(&module.address)));
    let days = m.run(address::roles, CHAIR, |cx| rules::number(cx, "vote.notice_days")).unwrap();
    assert_eq!(days, 15);
    // The file names the last second of the term.
    for (now, held) in [(NOW + 9, true), (NOW + 10, false)] {
        m.now = now;
        let got = m.run(address::documents, CHAIR, |cx| roles::holds(cx, CHAIR, Office::Chair));
        assert_eq!(got, Ok(held), "{now}");
    }
    let again = begin(&first_page()).unwrap();
    m.now = NOW;
    assert_eq!(again.slots, m.slots);
}

#[test]
fn genesis_names_what_it_does_not_know() {
    let mut page = first_page();
    page.packs.push("cn-atlantis".into());
    let Err(Fault::Fatal(reason)) = begin(&page) else { panic!("an unknown pack was loaded") };
    assert!(reason.contains("cn-atlantis"), "{reason}");
    let mut page = first_page();
    page.offices[0].office = "king".into();
    let Err(Fault::Fatal(reason)) = begin(&page) else { panic!("an unknown office was given") };
    assert!(reason.contains("king"), "{reason}");
}

#[test]
fn every_module_is_called_at_its_own_address_and_answers_every_call_of_its_interface() {
    let mut m = begin(&first_page()).unwrap();
    let mut addresses = BTreeSet::new();
    for module in ALL {
        assert!(addresses.insert(module.address), "{} shares its address", module.name);
        assert!(is_native(&module.address) && route(&module.address).is_some());
        let abi = (module.abi)();
        let mut selectors = BTreeSet::new();
        for function in abi.functions() {
            assert!(selectors.insert(function.selector()), "{}.{}", module.name, function.name);
            // Without arguments: whatever it answers, the call is known, and a write is refused in a
            // static context where a view is not.
            let mut calldata = function.selector().to_vec();
            let view = function.state_mutability == StateMutability::View;
            calldata.extend(vec![0u8; if view { 0 } else { 320 }]);
            let mut cx = Cx { host: &mut m, this: module.address, caller: CHAIR, is_static: true };
            let answer = (module.entry)(&mut cx, &calldata);
            let fault = answer.as_ref().err();
            let name = format!("{}.{}", module.name, function.name);
            let unknown = fault.and_then(|f| f.refusal::<ISystem::UnknownSelector>());
            assert!(unknown.is_none(), "{name} is not dispatched");
            let refused = fault.and_then(|f| f.refusal::<ISystem::StaticCall>()).is_some();
            assert_eq!(refused, !view, "{name}");
        }
        for (name, selector, offices) in module.permits {
            assert!(selectors.contains(&selector[..]), "{}.{name}: no such call", module.name);
            assert!(!offices.is_empty(), "{}.{name}: open to nobody", module.name);
            let function = abi.function(name).and_then(|all| all.first());
            assert_eq!(function.map(|f| f.selector().0), Some(*selector), "{}.{name}", module.name);
        }
    }
    assert!(!is_native(&CHAIR) && !is_native(&system_address(0xff)));
}
