//! Which keys an account may have.

use super::*;

#[test]
fn a_device_is_listed_with_its_bounds_and_revoked_for_good() {
    let mut m = start();
    authorise(&mut m, phone());
    authorise(&mut m, Grant { key: TABLET, limitFen: 0, periodSeconds: 0, ..phone() });
    let listed = done(&mut m, STRANGER, &keysCall { ofAccount: ME });
    assert_eq!(listed.len(), 2);
    assert_eq!((&listed[0].grant, listed[0].sinceAt, listed[0].resetsAt), (
        &phone(),
        NOW,
        NOW + DAY
    ));
    assert_eq!((listed[1].grant.key, listed[1].resetsAt, listed[1].spentFen), (TABLET, 0, 0));
    let NotYours { account, caller } =
        refused(&mut m, STRANGER, &revokeKeyCall { account: ME, key: PHONE });
    assert_eq!((account, caller), (ME, STRANGER));
    // By the account and by the key itself.
    done(&mut m, ME, &revokeKeyCall { account: ME, key: PHONE });
    done(&mut m, TABLET, &revokeKeyCall { account: ME, key: TABLET });
    assert!(done(&mut m, STRANGER, &keysCall { ofAccount: ME }).is_empty());
    let shown = done(&mut m, STRANGER, &keyCall { ofAccount: ME, ofKey: PHONE });
    assert_eq!((shown.revokedAt, shown.grant), (NOW, phone()));
    let _: NoSuchKey = refused(&mut m, ME, &revokeKeyCall { account: ME, key: PHONE });
    let _: NoSuchKey = refused(&mut m, ME, &keyCall { ofAccount: ME, ofKey: NEW });
    let _: KeyKnown = refused(&mut m, ME, &authoriseKeyCall { grant: phone() });
}

#[test]
fn a_grant_is_taken_at_its_bounds_and_refused_beyond() {
    let year = rule::KEY_SECONDS_MAX;
    let entries = |count: usize| vec![everything(token()); count];
    let good = [
        Grant { expiresAt: NOW + 1, ..phone() },
        Grant { expiresAt: NOW + year, ..phone() },
        Grant { periodSeconds: 3_600, limitFen: 1, ..phone() },
        Grant { periodSeconds: year, limitFen: u64::MAX, ..phone() },
        Grant { limitFen: 0, periodSeconds: 0, ..phone() },
        Grant { scope: entries(16), ..phone() },
        Grant { label: B256::ZERO, suite: Suite::Sm2, ..phone() },
    ];
    for grant in good {
        authorise(&mut start(), grant);
    }
    let refuse = |grant: Grant| {
        let mut m = start();
        m.run(AT, ME, |cx| entry(cx, &authoriseKeyCall { grant }.abi_encode())).unwrap_err()
    };
    for expires_at in [0, NOW, NOW + year + 1, u64::MAX] {
        let fault = refuse(Grant { expiresAt: expires_at, ..phone() });
        assert!(fault.refusal::<BadTerm>().is_some(), "{expires_at}");
    }
    for (limit, period) in [(1, 0), (1, 3_599), (1, year + 1), (0, DAY)] {
        let fault = refuse(Grant { limitFen: limit, periodSeconds: period, ..phone() });
        assert!(fault.refusal::<BadLimit>().is_some(), "{limit} in {period}");
    }
    for count in [0, 17] {
        let fault = refuse(Grant { scope: entries(count), ..phone() });
        assert!(fault.refusal::<BadScope>().is_some(), "{count}");
    }
    let sub_account = money::sub_account(address::funds, 1);
    for key in [Address::ZERO, ME, address::money, token(), sub_account] {
        let fault = refuse(Grant { key, ..phone() });
        assert!(fault.refusal::<BadKey>().is_some(), "{key}");
    }
    let fault = refuse(Grant { suite: Suite::None, ..phone() });
    assert!(fault.refusal::<BadSuite>().is_some());
}

#[test]
fn the_ninth_key_waits_until_one_is_revoked() {
    let mut m = start();
    let grant = |n: u8| Grant { key: Address::repeat_byte(0xb0 + n), ..phone() };
    for n in 0..8 {
        authorise(&mut m, grant(n));
    }
    let TooManyKeys { most } = refused(&mut m, ME, &authoriseKeyCall { grant: grant(8) });
    assert_eq!(most, 8);
    // Expired keys take room, too: they are still listed.
    m.now = NOW + 200 * DAY;
    let late = Grant { expiresAt: m.now + 1, ..grant(8) };
    let _: TooManyKeys = refused(&mut m, ME, &authoriseKeyCall { grant: late.clone() });
    done(&mut m, ME, &revokeKeyCall { account: ME, key: grant(3).key });
    authorise(&mut m, late);
    let listed = done(&mut m, STRANGER, &keysCall { ofAccount: ME });
    let listed: Vec<u8> = listed.iter().map(|key| key.grant.key[0] - 0xb0).collect();
    assert_eq!(listed, [0, 1, 2, 7, 4, 5, 6, 8]);
}

#[test]
fn a_scope_never_names_what_needs_the_root_key() {
    let mut m = start();
    let named = |target, selector: [u8; 4]| Scope { target, selector: selector.into() };
    let never = [
        everything(AT),
        everything(ME),
        everything(address::council),
        everything(address::roles),
        everything(address::rules),
        everything(address::validators),
        named(AT, freezeCall::SELECTOR),
        named(address::decisions, decisions::IDecisions::castCall::SELECTOR),
        named(address::decisions, decisions::IDecisions::castForCall::SELECTOR),
        named(address::registry, IRegistry::bindCall::SELECTOR),
        named(address::funds, crate::funds::IFunds::approveCall::SELECTOR),
    ];
    for entry in never {
        let scope = vec![everything(token()), entry.clone()];
        let grant = Grant { scope, ..phone() };
        let NeverForKeys { target, selector } = refused(&mut m, ME, &authoriseKeyCall { grant });
        assert_eq!((target, selector), (entry.target, entry.selector));
    }
}

#[test]
fn a_helper_is_named_shown_and_taken_back() {
    let mut m = start();
    for helper in [ME, AT, token()] {
        let _: BadHelper = refused(&mut m, ME, &nameHelperCall { helper });
    }
    done(&mut m, ME, &nameHelperCall { helper: SON });
    assert_eq!(now_of(&mut m).helper, SON);
    // The relation is no key: the helper confirms nothing.
    let acts = [Act { to: Some(token()), value: U256::ZERO, input: &[] }];
    let fault = m.run(AT, SON, |cx| may_act(cx, ME, (SON, Suite::P256), &acts, NOW)).unwrap_err();
    assert!(fault.refusal::<NoSuchKey>().is_some());
    done(&mut m, ME, &nameHelperCall { helper: Address::ZERO });
    assert_eq!(now_of(&mut m).helper, Address::ZERO);
}
