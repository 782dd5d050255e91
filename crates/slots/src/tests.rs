#![allow(unreachable_pub, reason = "dispatch! makes a public entry; these modules have no outside")]

use alloy_primitives::{Address, B256, U256, address, keccak256};

use crate::*;

const AT: Address = address!("7755000000000000000000000000000000000099");

alloy_sol_types::sol! {
    interface ICounter {
        error TooMany(uint64 asked, uint64 most);
        event Counted(uint64 total);
        function count(uint64 by) external returns (uint64 total);
        function total() external view returns (uint64 total, string memory label);
        function rename(string label) external;
    }
}
use ICounter::*;

stored_enum! { enum Mood { None = 0, Calm = 1, Busy = 2 } }
packed! { struct Head { closes_at: u64, choices: u8, open: bool, mood: Mood, who: Address } }
record! { struct Inner { head: Slot<Head>, subject: Slot<B256> } }
record! { struct State {
    total: Slot<u64>,
    label: Text,
    inner: Inner,
    by_who: Map<Address, Map<u64, Inner>>,
    list: List<Inner>,
} }
fn st() -> State {
    State::at(U256::ZERO)
}

fn count(cx: &mut Cx<'_>, by: u64) -> Res<u64> {
    let total = st().total.add(cx, by)?;
    cx.emit(Counted { total })?;
    ensure!(by <= 10, TooMany { asked: by, most: 10 });
    Ok(total)
}
fn total(cx: &mut Cx<'_>) -> Res<totalReturn> {
    Ok(totalReturn { total: st().total.get(cx)?, label: st().label.get(cx)? })
}
fn rename(cx: &mut Cx<'_>, label: &str) -> Res<()> {
    st().label.set(cx, label)
}
dispatch! { ICounter, cx;
    write countCall(c) => count(cx, c.by)?;
    view totalCall(_) => total(cx)?;
    write renameCall(c) => rename(cx, &c.label)?.into();
}

#[test]
fn a_call_goes_through_and_a_refusal_leaves_nothing() {
    let mut m = Memory::default();
    assert_eq!(m.call(AT, entry, AT, &countCall { by: 3 }), Ok(3));
    let refused = m.call(AT, entry, AT, &countCall { by: 11 }).unwrap_err();
    let TooMany { asked, most } = refused.refusal().unwrap();
    assert_eq!((asked, most), (11, 10));
    assert_eq!(m.call(AT, entry, AT, &totalCall {}).unwrap().total, 3);
    assert_eq!(m.logs.len(), 1);
    let overflow = m.call(AT, entry, AT, &countCall { by: u64::MAX }).unwrap_err();
    assert_eq!(overflow, Fault::overflow());
}

#[test]
fn dispatch_refuses_what_it_cannot_read() {
    use alloy_sol_types::SolCall;
    let mut m = Memory::default();
    let unknown = m.run(AT, AT, |cx| entry(cx, &[1, 2, 3, 4, 5])).unwrap_err();
    assert_eq!(unknown.refusal::<ISystem::UnknownSelector>().unwrap().selector, [1, 2, 3, 4]);
    for short in [&[][..], &[0], &[0, 0, 0]] {
        let refused = m.run(AT, AT, |cx| entry(cx, short)).unwrap_err();
        assert!(refused.refusal::<ISystem::UnknownSelector>().is_some(), "{short:?}");
    }
    let call = countCall { by: 3 }.abi_encode();
    let truncated = m.run(AT, AT, |cx| entry(cx, &call[..20])).unwrap_err();
    assert_eq!(truncated, Fault::Revert(Default::default()));
    let mut dirty = call.clone();
    dirty[4] = 1; // a uint64 with high bits set
    assert_eq!(
        m.run(AT, AT, |cx| entry(cx, &dirty)).unwrap_err(),
        Fault::Revert(Default::default())
    );
    let mut cx = Cx { host: &mut m, this: AT, caller: AT, is_static: true };
    let refused = entry(&mut cx, &call).unwrap_err();
    assert!(refused.refusal::<ISystem::StaticCall>().is_some());
    assert!(entry(&mut cx, &totalCall {}.abi_encode()).is_ok());
}

#[test]
fn slots_lie_where_solc_puts_them() {
    let mut m = Memory::default();
    let who = address!("00000000000000000000000000000000000000aa");
    let head = Head { closes_at: 0x11, choices: 0x22, open: true, mood: Mood::Busy, who };
    m.run(AT, AT, |cx| {
        st().total.set(cx, 5)?;
        st().inner.subject.set(cx, B256::repeat_byte(7))?;
        st().by_who.of(who).of(9).head.set(cx, head)?;
        let (index, second) = {
            st().list.push(cx)?;
            st().list.push(cx)?
        };
        assert_eq!(index, 1);
        second.subject.set(cx, B256::repeat_byte(8))
    })
    .unwrap();
    let at = |slot: U256| m.slots.get(&(AT, slot)).copied().unwrap_or_default();
    assert_eq!(at(U256::from(0)), U256::from(5));
    // total 0, label 1, inner 2..4, by_who 4, list 5
    assert_eq!(at(U256::from(3)), U256::from_be_bytes([7; 32]));
    let outer = key_slot(who.into_word().into(), U256::from(4));
    let packed = at(key_slot(U256::from(9), outer));
    // low bytes first: u64 11, u8 22, bool 01, enum 02, address aa
    assert_eq!(packed, U256::from(0x11) | U256::from(0x02_01_22u64) << 64 | U256::from(0xaa) << 88);
    assert_eq!(Head::from_word(packed), head);
    assert_eq!(at(U256::from(5)), U256::from(2));
    let first = U256::from_be_bytes(keccak256(U256::from(5).to_be_bytes::<32>()).0);
    assert_eq!(at(first + U256::from(3)), U256::from_be_bytes([8; 32]));
}

#[test]
fn texts_of_every_length_come_back_and_free_their_slots() {
    let mut m = Memory::default();
    for len in [0, 1, 31, 32, 33, 64, 65, 1000, 3, 0] {
        let text = "x".repeat(len);
        m.call(AT, entry, AT, &renameCall { label: text.clone() }).unwrap();
        assert_eq!(m.call(AT, entry, AT, &totalCall {}).unwrap().label, text);
    }
    assert!(m.slots.is_empty());
}

#[test]
fn an_attempt_undoes_only_itself() {
    let mut m = Memory::default();
    m.run(AT, AT, |cx| {
        count(cx, 1)?;
        let refused = cx.attempt(|cx| count(cx, 11))?;
        assert!(refused.is_err());
        let done = cx.attempt(|cx| count(cx, 2))?;
        assert_eq!(done, Ok(3));
        Ok(())
    })
    .unwrap();
    assert_eq!(m.logs.len(), 2);
    let fault = m.run(AT, AT, |cx| cx.attempt(|_| Err::<(), _>(Fault::OutOfGas)));
    assert_eq!(fault, Err(Fault::OutOfGas));
}
