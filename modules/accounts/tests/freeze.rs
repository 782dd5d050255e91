//! A freeze of one's own.

use super::*;

fn own(until_at: u64) -> freezeCall {
    freezeCall { account: ME, untilAt: until_at, code: FreezeCode::Lost }
}

fn signs(m: &mut Memory, key: Address, to: Address) -> Res<Fen> {
    let act = Act { to: Some(to), value: U256::ZERO, input: &[1, 2, 3, 4] };
    let now = m.now;
    m.run(STRANGER, STRANGER, |cx| may_act(cx, ME, (key, Suite::P256), &[act], now))
}

#[test]
fn any_living_key_freezes_and_the_root_key_lifts() {
    let mut m = start();
    authorise(&mut m, phone());
    let _: NotFrozen = refused(&mut m, ME, &unfreezeCall {});
    let _: NotYours = refused(&mut m, STRANGER, &own(NOW + 1));
    let code = FreezeCode::None;
    let _: NoCode = refused(&mut m, PHONE, &freezeCall { code, ..own(NOW + 1) });
    done(&mut m, PHONE, &own(NOW + 10 * DAY));
    let shown = now_of(&mut m);
    assert_eq!((shown.frozenUntil, shown.freezeCode), (NOW + 10 * DAY, FreezeCode::Lost));
    assert_eq!(m.run(STRANGER, STRANGER, gate).unwrap().frozen_until, NOW + 10 * DAY);
    for (now, frozen) in [(NOW, true), (NOW + 10 * DAY - 1, true), (NOW + 10 * DAY, false)] {
        m.now = now;
        for (key, to) in [(PHONE, token()), (ME, token()), (ME, address::decisions)] {
            let answer = signs(&mut m, key, to);
            let found = answer.err().and_then(|fault| fault.refusal::<AccountFrozen>());
            let until = found.map(|found| found.untilAt);
            assert_eq!(until, frozen.then_some(NOW + 10 * DAY), "{now} {key} {to}");
        }
        assert!(signs(&mut m, ME, AT).is_ok());
    }
    // While it lasts, whoever has the root key adds no keys and sends no guardian away.
    m.now = NOW + 10 * DAY - 1;
    let grant = Grant { key: TABLET, ..phone() };
    let _: AccountFrozen = refused(&mut m, ME, &authoriseKeyCall { grant });
    let _: AccountFrozen = refused(&mut m, ME, &setGuardiansCall { guardians: vec![] });
    let _: AccountFrozen = refused(&mut m, ME, &nameHelperCall { helper: SON });
    done(&mut m, ME, &revokeKeyCall { account: ME, key: PHONE });
    done(&mut m, ME, &unfreezeCall {});
    assert!(signs(&mut m, ME, token()).is_ok());
    assert_eq!(now_of(&mut m).freezeCode, FreezeCode::None);
}

#[test]
fn a_freeze_ends_within_thirty_days_and_is_not_shortened() {
    let most = NOW + 30 * DAY;
    for (until, fits) in
        [(NOW, false), (NOW + 1, true), (most, true), (most + 1, false), (u64::MAX, false)]
    {
        let mut m = start();
        let answer = call(&mut m, ME, &own(until));
        assert_eq!(answer.is_ok(), fits, "{until}");
        if let Err(fault) = answer {
            let BadTerm { latestEndsAt, .. } = fault.refusal().unwrap();
            assert_eq!(latestEndsAt, most);
        }
    }
    let mut m = start();
    authorise(&mut m, phone());
    done(&mut m, ME, &own(NOW + 9));
    let _: BadTerm = refused(&mut m, PHONE, &own(NOW + 8));
    done(&mut m, PHONE, &own(NOW + 9));
    // Who lifts a freeze may set a shorter one.
    done(&mut m, ME, &unfreezeCall {});
    done(&mut m, ME, &own(NOW + 3));
    assert_eq!(now_of(&mut m).frozenUntil, NOW + 3);
    // The gate remembers the latest end that any account had.
    assert_eq!(m.run(STRANGER, STRANGER, gate).unwrap().frozen_until, NOW + 9);
}

#[test]
fn two_guardians_freeze_for_fourteen_days() {
    let code = FreezeCode::Suspicious;
    let ask = askFreezeCall { account: ME, code };
    for (later, frozen) in [(7 * DAY - 1, true), (7 * DAY, false)] {
        let mut m = guarded();
        done(&mut m, DAUGHTER, &ask);
        done(&mut m, DAUGHTER, &ask);
        assert_eq!(now_of(&mut m).frozenUntil, 0);
        m.now = NOW + later;
        done(&mut m, STREET, &ask);
        let until = now_of(&mut m).frozenUntil;
        assert_eq!(until, if frozen { m.now + 14 * DAY } else { 0 });
        if frozen {
            // Another freeze needs both again.
            done(&mut m, ME, &unfreezeCall {});
            done(&mut m, STREET, &ask);
            assert_eq!(now_of(&mut m).frozenUntil, 0);
        }
    }
    let mut m = guarded();
    let _: NotGuardian = refused(&mut m, STRANGER, &ask);
    let _: NoCode =
        refused(&mut m, DAUGHTER, &askFreezeCall { account: ME, code: FreezeCode::None });
    // A longer freeze of one's own is not shortened.
    done(&mut m, ME, &own(NOW + 20 * DAY));
    done(&mut m, DAUGHTER, &ask);
    done(&mut m, STREET, &ask);
    assert_eq!(now_of(&mut m).frozenUntil, NOW + 20 * DAY);
}

#[test]
fn a_recovery_ends_a_freeze() {
    let mut m = guarded();
    opened(&mut m, NEW);
    done(&mut m, ME, &own(NOW + 30 * DAY));
    m.now = NOW + 7 * DAY;
    done(&mut m, STRANGER, &finishRecoveryCall { id: 1 });
    assert_eq!(now_of(&mut m).frozenUntil, 0);
    let act = Act { to: Some(token()), value: U256::ZERO, input: &[] };
    let now = m.now;
    let key = (NEW, Suite::WebAuthn);
    assert!(m.run(AT, ME, |cx| may_act(cx, ME, key, &[act], now)).is_ok());
}
