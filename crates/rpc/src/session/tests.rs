//! Time and memory, which a test over HTTP cannot move.

use alloy_primitives::address;
use proptest::prelude::*;
use tulou_primitives::Suite;

use super::{
    challenge::{LASTS, Opened, Wanted},
    store::{ACCESS_S, PER_ACCOUNT, Pair, REFRESH_S, Shut},
    *,
};

const NOW: u64 = 1_800_000_000;
const ACCOUNT: Address = address!("0x1111111111111111111111111111111111111111");

fn signer(account: Address) -> Signer {
    Signer { account, key: None, suite: Suite::Secp256k1 }
}

fn wanted(now: u64) -> Wanted<'static> {
    Wanted { account: ACCOUNT, domain: "estate.example:8545", scheme: "https", chain_id: 7, now }
}

fn text(sessions: &Sessions, now: u64) -> Opened {
    let (text, _) = sessions.compose(wanted(now));
    sessions.read_text(&text, now).unwrap()
}

fn begin(sessions: &Sessions, account: Address, is_member: bool, now: u64) -> Pair {
    sessions.begin(text(sessions, now), signer(account), is_member, now).unwrap()
}

#[test]
fn a_text_is_the_standards_and_ends() {
    let sessions = Sessions::new();
    let (text, ends_at) = sessions.compose(wanted(NOW));
    assert_eq!(ends_at, NOW + LASTS);
    let nonce = text.split("Nonce: ").nth(1).unwrap().lines().next().unwrap();
    assert_eq!(nonce.len(), 80);
    let whole = format!(
        "estate.example:8545 wants you to sign in with your Ethereum account:\n{ACCOUNT}\n\nSign in to read the \
         book of this estate. This sends no transaction and moves nothing.\n\nURI: https://estate.example:8545\n\
         Version: 1\nChain ID: 7\nNonce: {nonce}\nIssued At: 2027-01-15T08:00:00Z\n\
         Expiration Time: 2027-01-15T08:05:00Z"
    );
    assert_eq!(text, whole);
    let open = |now| sessions.read_text(&text, now).map(|opened| opened.account);
    assert_eq!(open(NOW + LASTS - 1), Some(ACCOUNT));
    assert_eq!(open(NOW + LASTS), None);
    assert_eq!(Sessions::new().read_text(&text, NOW), None, "another process");
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        let read = sessions.read_text(&changed, NOW);
        // Hexadecimal digits of the seal are read in either case, which changes nothing.
        assert!(read.is_none() || changed.eq_ignore_ascii_case(&text), "byte {at}");
    }
    assert_eq!(sessions.read_text(&text[..text.len() - 1], NOW), None);
    assert_eq!(sessions.read_text("x\nNonce: ä", NOW), None);
}

#[test]
fn tokens_end_and_are_good_for_one_thing() {
    let sessions = Sessions::new();
    let pair = begin(&sessions, ACCOUNT, true, NOW);
    assert_eq!((pair.ends_at, pair.refresh_ends_at), (NOW + ACCESS_S, NOW + REFRESH_S));
    let id = sessions.of_access(&pair.token, NOW + ACCESS_S - 1).unwrap();
    assert_eq!(sessions.of_access(&pair.token, NOW + ACCESS_S), None);
    assert_eq!(sessions.of_access(&pair.refresh, NOW), None);
    assert_eq!(sessions.of_refresh(&pair.token, NOW), None);
    assert_eq!(sessions.signer(id, NOW + ACCESS_S), None, "an open WebSocket reads nothing more");
    let later = NOW + ACCESS_S + 5;
    let held = sessions.of_refresh(&pair.refresh, later).unwrap();
    let next = sessions.rotate(&held, true, later).unwrap();
    assert!(sessions.signer(id, later).is_some(), "nor stops where the session goes on");
    assert_eq!(next.refresh_ends_at, NOW + REFRESH_S);
    assert_eq!(sessions.of_refresh(&next.refresh, NOW + REFRESH_S), None);
    assert!(sessions.of_refresh(&next.refresh, NOW + REFRESH_S - 1).is_some());
}

#[test]
fn a_text_is_used_once_and_forgotten_when_it_has_ended() {
    let sessions = Sessions::new();
    let opened = text(&sessions, NOW);
    assert!(sessions.begin(opened, signer(ACCOUNT), true, NOW).is_ok());
    assert_eq!(sessions.begin(opened, signer(ACCOUNT), true, NOW), Err(Shut::Refused));
}

#[test]
fn memory_is_bounded_and_strangers_push_no_member_out() {
    let sessions = Sessions::new();
    let member = begin(&sessions, ACCOUNT, true, NOW);
    let first = begin(&sessions, Address::ZERO, false, NOW);
    for n in 0..PER_ACCOUNT as u64 {
        begin(&sessions, Address::ZERO, false, NOW + 1 + n);
    }
    assert_eq!(sessions.count(Address::ZERO, NOW), PER_ACCOUNT);
    assert_eq!(sessions.of_access(&first.token, NOW), None, "the oldest went");
    for n in 0..3_000u64 {
        let account = Address::left_padding_from(&(n + 5).to_be_bytes());
        begin(&sessions, account, false, NOW + 100);
    }
    assert_eq!(sessions.open_sessions(), 1 + 1_024);
    assert!(sessions.of_access(&member.token, NOW).is_some());
}

/// A script in which every act happens: asked, signed in, read, refreshed, the old token used again.
const THEFT: &[u8] = &[0, 1, 3, 9, 9, 9, 1, 0, 6, 0, 5, 0, 1, 6, 0, 6, 1, 5, 0, 1, 6, 1];

#[test]
fn a_script_reaches_refreshes_and_theft() {
    play::play(THEFT).unwrap();
    for end in 0..THEFT.len() {
        play::play(&THEFT[..end]).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn sessions_keep_their_promises_in_any_order(
        acts in prop::collection::vec((0u8..10, prop::collection::vec(any::<u8>(), 1..6)), 1..60),
    ) {
        let mut script = vec![0, 1, 0, 1, 0];
        for (act, with) in acts {
            script.push(act);
            script.extend(with);
        }
        prop_assert_eq!(play::play(&script), Ok(()));
    }
}
