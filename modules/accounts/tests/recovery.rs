//! How an account comes to a new key, to the second.

use super::*;
use crate::roles::IRoles::NotPermitted;

const READY: u64 = NOW + 7 * DAY;
const LAPSES: u64 = READY + 30 * DAY;

fn finish(m: &mut Memory, id: u64) -> Res<()> {
    call(m, STRANGER, &finishRecoveryCall { id }).map(drop)
}

fn veto(m: &mut Memory, from: Address) -> Res<()> {
    call(m, from, &vetoRecoveryCall { account: ME }).map(drop)
}

fn root(m: &mut Memory) -> Address {
    m.run(STRANGER, STRANGER, |cx| root_of(cx, ME)).unwrap()
}

fn signs(m: &mut Memory, key: Address, suite: Suite) -> Res<Fen> {
    let act = Act { to: Some(address::decisions), value: U256::ONE, input: &[1, 2, 3, 4] };
    let now = m.now;
    m.run(STRANGER, STRANGER, |cx| may_act(cx, ME, (key, suite), &[act], now))
}

#[test]
fn two_guardians_give_a_new_key_and_everything_else_stays() {
    let mut m = guarded();
    authorise(&mut m, phone());
    let id = opened(&mut m, NEW);
    assert_eq!(id, 1);
    let open = done(&mut m, STRANGER, &openRecoveryOfCall { ofAccount: ME });
    assert_eq!((open.id, open.key, open.suite, open.stage), (1, NEW, Suite::WebAuthn, Stage::Open));
    assert_eq!((open.openedAt, open.readyAt, open.lapsesAt), (NOW, READY, LAPSES));
    assert_eq!((open.first, open.second, open.document), (DAUGHTER, STREET, B256::ZERO));
    m.now = READY;
    assert!(signs(&mut m, ME, Suite::P256).is_ok());
    finish(&mut m, id).unwrap();
    assert_eq!((root(&mut m), now_of(&mut m).rootSuite), (NEW, Suite::WebAuthn));
    let gate = m.run(STRANGER, STRANGER, gate).unwrap();
    assert_eq!(gate.moved, 1);
    // The unit and the votes are the account's, as before.
    let at = address::registry;
    let owner = m.call(at, registry::entry, ME, &IRegistry::ownerOfCall { account: ME }).unwrap();
    assert_eq!(owner, OWNER);
    // The new key does all, by its own suite; the lost one and the phone nothing.
    assert!(signs(&mut m, NEW, Suite::WebAuthn).is_ok());
    assert!(signs(&mut m, NEW, Suite::P256).unwrap_err().refusal::<BadSuite>().is_some());
    let lost: RootMoved = signs(&mut m, ME, Suite::P256).unwrap_err().refusal().unwrap();
    assert_eq!((lost.account, lost.root), (ME, NEW));
    assert!(signs(&mut m, PHONE, Suite::P256).unwrap_err().refusal::<KeyOver>().is_some());
    assert!(done(&mut m, STRANGER, &keysCall { ofAccount: ME }).is_empty());
    let ended = done(&mut m, STRANGER, &recoveriesCall { cursor: 0, limit: 9 }).items;
    assert_eq!((ended[0].stage, ended[0].endedAt), (Stage::Done, READY));
    assert_eq!(done(&mut m, STRANGER, &openRecoveryOfCall { ofAccount: ME }).id, 0);
    // What was lost never comes back, neither as a root nor as a device.
    for key in [ME, PHONE] {
        assert!(asks(&mut m, STREET, key).unwrap_err().refusal::<KeyKnown>().is_some());
    }
    assert!(asks(&mut m, STREET, NEW).unwrap_err().refusal::<BadKey>().is_some());
    // A second recovery works like the first, and the number of moved roots stays.
    let id = opened(&mut m, NEWER);
    m.now += 7 * DAY;
    finish(&mut m, id).unwrap();
    assert_eq!(root(&mut m), NEWER);
    assert!(signs(&mut m, NEW, Suite::WebAuthn).unwrap_err().refusal::<KeyOver>().is_some());
    assert_eq!(m.run(STRANGER, STRANGER, super::super::gate).unwrap().moved, 1);
}

#[test]
fn the_waiting_period_and_the_time_to_finish_hold_to_the_second() {
    for (now, result) in [
        (READY - 1, Some(TooEarly { id: 1, readyAt: READY }.into())),
        (READY, None),
        (LAPSES - 1, None),
        (LAPSES, Some(Fault::from(RecoveryOver { id: 1, stage: Stage::Lapsed }))),
    ] {
        let mut m = guarded();
        opened(&mut m, NEW);
        m.now = now;
        assert_eq!(finish(&mut m, 1).err(), result, "{now}");
        let done_once = result.is_none();
        if done_once {
            let over = RecoveryOver { id: 1, stage: Stage::Done };
            assert_eq!(finish(&mut m, 1), Err(over.into()));
        }
    }
    let mut m = guarded();
    for id in [0, 1, u64::MAX] {
        assert_eq!(finish(&mut m, id), Err(NoSuchRecovery { id }.into()));
    }
    // Where one lapsed, another may be opened, and it is another one.
    opened(&mut m, NEW);
    m.now = LAPSES - 1;
    let open = asks(&mut m, DAUGHTER, NEWER).unwrap_err();
    assert_eq!(open, RecoveryOpen { account: ME, id: 1 }.into());
    m.now = LAPSES;
    assert_eq!(opened(&mut m, NEWER), 2);
    assert_eq!(done(&mut m, STRANGER, &openRecoveryOfCall { ofAccount: ME }).id, 2);
}

#[test]
fn a_guardian_counts_once_for_seven_days_and_for_one_key() {
    // The daughter is a member of the committee, too: her own seat is filled first, and she is one person.
    let mut m = guarded();
    assert_eq!(asks(&mut m, DAUGHTER, NEW), Ok(0));
    assert_eq!(asks(&mut m, DAUGHTER, NEW), Ok(0));
    assert_eq!(asks(&mut m, MEMBERS[0], NEWER), Ok(0));
    assert_eq!(asks(&mut m, STREET, TABLET), Ok(0));
    let other = askRecoveryCall { account: ME, key: NEW, suite: Suite::P256 };
    assert_eq!(call(&mut m, STREET, &other), Ok(0));
    for (later, id) in [(7 * DAY - 1, 1), (7 * DAY, 0)] {
        let mut m = guarded();
        assert_eq!(asks(&mut m, DAUGHTER, NEW), Ok(0));
        m.now = NOW + later;
        assert_eq!(asks(&mut m, MEMBERS[0], NEW), Ok(id), "{later}");
    }
    let not = asks(&mut m, STRANGER, NEW).unwrap_err();
    assert_eq!(not, NotGuardian { account: ME, caller: STRANGER }.into());
    assert!(asks(&mut m, STREET, Address::ZERO).unwrap_err().refusal::<BadKey>().is_some());
    // Whoever fills two seats of offices alone is one person, too.
    let mut m = settled();
    let of = |office: Office| Guardian { account: Address::ZERO, office: office as u8 };
    let seats = vec![of(Office::Member), of(Office::Chair)];
    done(&mut m, ME, &setGuardiansCall { guardians: seats });
    let grant = crate::roles::IRoles::grantCall {
        office: crate::roles::IRoles::Office::Chair,
        holder: MEMBERS[0],
        fromAt: NOW,
        untilAt: NOW + DAY,
        basis: PAPER,
    };
    m.call(address::roles, roles::entry, address::decisions, &grant).unwrap();
    assert_eq!(asks(&mut m, MEMBERS[0], NEW), Ok(0));
    assert_eq!(asks(&mut m, MEMBERS[0], NEW), Ok(0));
    assert_eq!(asks(&mut m, CHAIR, NEW), Ok(1));
}

#[test]
fn the_account_and_its_living_keys_veto_until_it_is_finished() {
    for (from, now, stops) in [
        (ME, NOW, true),
        (PHONE, READY, true),
        (PHONE, LAPSES - 1, true),
        (PHONE, LAPSES, false),
        (TABLET, NOW, false),
        (DAUGHTER, NOW, false),
        (NEW, NOW, false),
    ] {
        let mut m = guarded();
        authorise(&mut m, phone());
        authorise(&mut m, Grant { key: TABLET, ..phone() });
        done(&mut m, ME, &revokeKeyCall { account: ME, key: TABLET });
        opened(&mut m, NEW);
        m.now = now;
        let answer = veto(&mut m, from);
        assert_eq!(answer.is_ok(), stops, "{from} {now}: {answer:?}");
        if stops {
            let over = RecoveryOver { id: 1, stage: Stage::Vetoed };
            m.now = READY;
            assert_eq!(finish(&mut m, 1), Err(over.into()));
            assert_eq!(root(&mut m), ME);
            // What the guardians asked for is over, too: both must ask again.
            assert_eq!(asks(&mut m, STREET, NEW), Ok(0));
            assert_eq!(asks(&mut m, DAUGHTER, NEW), Ok(2));
        }
    }
    let mut m = guarded();
    assert_eq!(veto(&mut m, ME), Err(NoSuchRecovery { id: 0 }.into()));
    let not = veto(&mut m, STRANGER).unwrap_err();
    assert_eq!(not, NotYours { account: ME, caller: STRANGER }.into());
}

#[test]
fn a_frozen_account_still_vetoes() {
    let mut m = guarded();
    authorise(&mut m, phone());
    for from in [DAUGHTER, STREET] {
        done(&mut m, from, &askFreezeCall { account: ME, code: FreezeCode::Stolen });
    }
    opened(&mut m, NEW);
    let input = vetoRecoveryCall { account: ME }.abi_encode();
    let act = [Act { to: Some(AT), value: U256::ZERO, input: &input }];
    for key in [ME, PHONE] {
        assert!(m.run(AT, ME, |cx| may_act(cx, ME, (key, Suite::P256), &act, NOW)).is_ok());
    }
    veto(&mut m, PHONE).unwrap();
}

#[test]
fn the_registrar_opens_one_with_a_document_and_waits_longer() {
    let mut m = settled();
    let open = openRecoveryCall { account: ME, key: NEW, suite: Suite::P256, document: PAPER };
    let _: NotPermitted = refused(&mut m, STREET, &open);
    let blank = openRecoveryCall { document: B256::ZERO, ..open.clone() };
    let _: NoDocument = refused(&mut m, REGISTRAR, &blank);
    // Accounts of members, banks and offices that own no unit are not the registrar's to give away.
    for account in [STRANGER, CHAIR, address::funds, money::sub_account(address::funds, 1)] {
        let call = openRecoveryCall { account, ..open.clone() };
        let found: NotResident = refused(&mut m, REGISTRAR, &call);
        assert_eq!(found.account, account);
    }
    // Not even where somebody bound a module's account to an owner.
    let sub = money::sub_account(address::funds, 1);
    estate(&mut m, &IRegistry::bindCall { accounts: vec![sub], owners: vec![OWNER] });
    let call = openRecoveryCall { account: sub, ..open.clone() };
    let _: NotResident = refused(&mut m, REGISTRAR, &call);
    assert_eq!(done(&mut m, REGISTRAR, &open), 1);
    let shown = done(&mut m, STRANGER, &openRecoveryOfCall { ofAccount: ME });
    assert_eq!((shown.first, shown.second, shown.document), (REGISTRAR, Address::ZERO, PAPER));
    let _: RecoveryOpen = refused(&mut m, REGISTRAR, &open);
    m.now = NOW + 15 * DAY - 1;
    let early = TooEarly { id: 1, readyAt: NOW + 15 * DAY };
    assert_eq!(finish(&mut m, 1), Err(early.into()));
    m.now += 1;
    finish(&mut m, 1).unwrap();
    assert_eq!(root(&mut m), NEW);
}

#[test]
fn a_key_that_the_account_took_meanwhile_cannot_become_its_root() {
    let mut m = guarded();
    opened(&mut m, NEW);
    authorise(&mut m, Grant { key: NEW, ..phone() });
    m.now = READY;
    assert_eq!(finish(&mut m, 1), Err(KeyKnown { account: ME, key: NEW }.into()));
}

#[test]
fn guardians_are_none_two_or_three_and_all_different() {
    let mut m = settled();
    let account = |account| Guardian { account, office: 0 };
    let office = |office: u8| Guardian { account: Address::ZERO, office };
    let (son, daughter) = (account(SON), account(DAUGHTER));
    for guardians in [
        vec![son.clone()],
        vec![son.clone(), son.clone()],
        vec![office(7), office(7)],
        vec![son.clone(), account(ME)],
        vec![son.clone(), account(AT)],
        vec![son.clone(), account(Address::ZERO)],
        vec![son.clone(), office(9)],
        vec![son.clone(), office(3)],
        vec![son.clone(), office(31)],
        vec![son.clone(), office(200)],
        vec![son.clone(), Guardian { account: DAUGHTER, office: 7 }],
        vec![son.clone(), daughter.clone(), office(1), office(2)],
    ] {
        let _: BadGuardians = refused(&mut m, ME, &setGuardiansCall { guardians });
    }
    for guardians in [
        vec![son.clone(), daughter.clone(), office(1)],
        vec![office(2), office(5), office(7)],
        vec![],
        vec![son.clone(), daughter.clone()],
    ] {
        let call = setGuardiansCall { guardians: guardians.clone() };
        done(&mut m, ME, &call);
        assert_eq!(now_of(&mut m).guardians, guardians);
    }
    // What the guardians of before asked for does not count for those of now.
    assert_eq!(asks(&mut m, SON, NEW), Ok(0));
    done(&mut m, ME, &setGuardiansCall { guardians: vec![daughter, son] });
    assert_eq!(asks(&mut m, DAUGHTER, NEW), Ok(0));
    assert_eq!(asks(&mut m, SON, NEW), Ok(1));
    let _: RecoveryOpen = refused(&mut m, ME, &setGuardiansCall { guardians: vec![] });
}
