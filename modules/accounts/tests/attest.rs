//! Attestors: who lists them, what they may state, and that a face is never the only way.

use super::*;
use crate::roles::IRoles::{self, NotPermitted};

fn key(n: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(n)).unwrap()
}

fn listing(n: u8, method: Method) -> Listing {
    Listing {
        key: key(n).address(),
        method,
        name: "便民服务站".into(),
        page: "https://attest.example.org/check?from=tulou".into(),
        untilAt: NOW + 366 * DAY,
        basis: PAPER,
    }
}

fn list(m: &mut Memory, listing: Listing) -> u64 {
    done(m, STREET, &listAttestorCall { listing })
}

/// A reader of cards with key 1 as number 1, a check of faces with key 2 as number 2.
fn listed() -> Memory {
    let mut m = start();
    assert_eq!(list(&mut m, listing(1, Method::Card)), 1);
    assert_eq!(list(&mut m, listing(2, Method::Face)), 2);
    m
}

fn statement(attestor: u8, account: Address) -> Statement {
    Statement {
        attestor: attestor.into(),
        method: attestor,
        account,
        unit: 1,
        owner: OWNER,
        issuedAt: NOW,
        expiresAt: NOW + 3_600,
        nonce: B256::repeat_byte(7),
    }
}

fn signed_on(n: u8, chain: u64, module: Address, statement: Statement) -> redeemAttestedCall {
    let hash = crate::accounts::attest::digest(chain, module, &statement);
    let signature = key(n).sign_hash_sync(&hash).unwrap().as_bytes().into();
    redeemAttestedCall { statement, signature }
}

/// By the attestor's own key, which has its number.
fn signed(statement: Statement) -> redeemAttestedCall {
    let n = statement.attestor.to_be_bytes()[7];
    signed_on(n, 1, AT, statement)
}

fn shown(m: &mut Memory) -> Vec<Attestor> {
    done(m, STRANGER, &attestorsCall { cursor: 0, limit: 9 }).items
}

fn totals(m: &mut Memory) -> (u64, u64, u64, u64) {
    let found = estate(m, &IRegistry::bindingsCall {});
    (found.counter, found.letter, found.card, found.face)
}

fn unbind(m: &mut Memory, account: Address) {
    estate(m, &IRegistry::unbindCall { account, reasonHash: PAPER });
}

fn registrar_pauses(m: &mut Memory, until_at: u64) {
    let at = address::roles;
    let reason = "查账".to_owned();
    let call = IRoles::freezeCall { id: 1, untilAt: until_at, reason };
    m.call(at, roles::entry, STREET, &call).unwrap();
}

#[test]
fn a_statement_binds_its_account_once_and_the_way_is_written_down() {
    for (n, way, counts) in [(1, Way::Card, (0, 0, 1, 0)), (2, Way::Face, (0, 0, 0, 1))] {
        let mut m = listed();
        let mine = signed(statement(n, ME));
        done(&mut m, ME, &mine);
        assert_eq!(way_of(&mut m, ME), (way, n.into(), NOW));
        assert_eq!(totals(&mut m), counts);
        let heads = estate(&mut m, &IRegistry::headsOfCall { account: ME });
        assert_eq!((heads.len(), heads[0].areaM2), (1, 9_000));
        assert_eq!(shown(&mut m)[usize::from(n) - 1].bindings, 1);
        // Its binding ended, but the statement is spent.
        unbind(&mut m, ME);
        assert_eq!(way_of(&mut m, ME), (Way::None, 0, 0));
        let StatementUsed { .. } = refused(&mut m, ME, &mine);
        assert_eq!(totals(&mut m), counts, "what was counted stays counted");
    }
    let mut m = settled();
    assert_eq!(way_of(&mut m, ME), (Way::Counter, 0, NOW));
    assert_eq!(totals(&mut m), (1, 0, 0, 0));
}

#[test]
fn a_statement_is_for_one_account_one_ledger_and_one_text() {
    let mut m = listed();
    let mine = signed(statement(1, ME));
    let OtherAccount { account, caller } = refused(&mut m, STRANGER, &mine);
    assert_eq!((account, caller), (ME, STRANGER));
    let changed = [
        Statement { account: STRANGER, ..mine.statement.clone() },
        Statement { unit: 2, ..mine.statement.clone() },
        Statement { owner: BUYER, ..mine.statement.clone() },
        Statement { issuedAt: NOW + 1, ..mine.statement.clone() },
        Statement { expiresAt: NOW + 3_599, ..mine.statement.clone() },
        Statement { nonce: B256::ZERO, ..mine.statement.clone() },
    ];
    for statement in changed {
        let from = statement.account;
        let found: BadStatement =
            refused(&mut m, from, &redeemAttestedCall { statement, ..mine.clone() });
        assert_eq!((found.attestor, found.account), (1, from));
    }
    for other in [
        signed_on(2, 1, AT, statement(1, ME)),
        signed_on(1, 2, AT, statement(1, ME)),
        signed_on(1, 1, address::registry, statement(1, ME)),
    ] {
        let _: BadStatement = refused(&mut m, ME, &other);
    }
    let high = alloy_primitives::Signature::from_raw(&mine.signature).unwrap();
    let order = alloy_primitives::uint!(
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256
    );
    let high = alloy_primitives::Signature::new(high.r(), order - high.s(), !high.v());
    let cut = mine.signature[..64].to_vec();
    for signature in [high.as_bytes().to_vec(), cut, vec![], vec![0; 65]] {
        let signature = signature.into();
        let _: BadStatement = refused(&mut m, ME, &redeemAttestedCall { signature, ..mine.clone() });
    }
    for method in [0, 2, 3] {
        let other = signed(Statement { method, ..statement(1, ME) });
        assert_eq!(refused::<BadMethod>(&mut m, ME, &other).method, method);
    }
    for attestor in [0, 3, u64::MAX] {
        let other = signed_on(1, 1, AT, Statement { attestor, ..statement(1, ME) });
        assert_eq!(refused::<NoSuchAttestor>(&mut m, ME, &other).id, attestor);
    }
    done(&mut m, ME, &mine);
}

/// A change of one word of the digest would make every provider's signature worthless: the vector of
/// docs/reference/attestors.md, made by hand and by the module. viem signs the same in tests/clients.
#[test]
fn the_digest_is_the_one_of_eip_712() {
    let page = include_str!("../../../docs/reference/attestors.md");
    let account = alloy_primitives::address!("0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
    let of = Statement { account, unit: 12, ..statement(1, account) };
    let types = "Statement(uint64 attestor,uint8 method,address account,uint64 unit,bytes32 owner,\
                 uint64 issuedAt,uint64 expiresAt,bytes32 nonce)";
    let domain = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
    let word = |value: u64| B256::from(U256::from(value));
    let domain = [
        keccak256(domain),
        keccak256("Tulou"),
        keccak256("1"),
        word(8_899),
        AT.into_word(),
    ];
    let fields = [
        keccak256(types),
        word(1),
        word(1),
        account.into_word(),
        word(12),
        OWNER,
        word(NOW),
        word(NOW + 3_600),
        B256::repeat_byte(7),
    ];
    let (domain, fields) = (keccak256(domain.concat()), keccak256(fields.concat()));
    let wanted = keccak256([&[0x19, 1], domain.as_slice(), fields.as_slice()].concat());
    assert_eq!(crate::accounts::attest::digest(8_899, AT, &of), wanted);
    assert!(page.contains(&format!("Digest `{wanted}`")), "{wanted}");
}

#[test]
fn a_statement_works_for_one_visit_to_the_second() {
    for (issued_at, expires_at, fits) in [
        (NOW, NOW, false),
        (NOW, NOW + 1, true),
        (NOW, NOW + 3_600, true),
        (NOW, NOW + 3_601, false),
        (NOW - 3_599, NOW + 1, true),
        (NOW - 3_600, NOW, false),
        (NOW + 60, NOW + 61, true),
        (NOW + 61, NOW + 62, false),
        (0, u64::MAX, false),
        (u64::MAX, u64::MAX, false),
    ] {
        let mut m = listed();
        let made = Statement { issuedAt: issued_at, expiresAt: expires_at, ..statement(1, ME) };
        let answer = call(&mut m, ME, &signed(made));
        assert_eq!(answer.is_ok(), fits, "{issued_at} {expires_at}");
        if let Err(fault) = answer {
            let found: StatementOver = fault.refusal().unwrap();
            assert_eq!((found.issuedAt, found.expiresAt, found.nowAt), (issued_at, expires_at, NOW));
        }
    }
}

#[test]
fn an_attestor_works_in_its_term_until_it_is_ended() {
    for (now, works) in [(NOW + 366 * DAY - 1, true), (NOW + 366 * DAY, false)] {
        let mut m = listed();
        m.now = now;
        assert_eq!(shown(&mut m)[0].works, works);
        let made = Statement { issuedAt: now, expiresAt: now + 1, ..statement(1, ME) };
        let answer = call(&mut m, ME, &signed(made));
        assert_eq!(answer.is_ok(), works, "{now}");
        if let Err(fault) = answer {
            assert_eq!(fault.refusal::<AttestorOver>().unwrap().overAt, NOW + 366 * DAY);
        }
    }
    for from in [STREET, REGISTRAR, crate::DECISIONS] {
        let mut m = listed();
        let end = endAttestorCall { id: 1, reason: "合同到期".into() };
        for other in [CHAIR, MEMBERS[0], STRANGER, key(1).address()] {
            let _: NotPermitted = refused(&mut m, other, &end);
        }
        done(&mut m, from, &end);
        let found = shown(&mut m);
        assert_eq!((found[0].endedAt, found[0].works, found[1].works), (NOW, false, true));
        let AttestorOver { id, overAt } = refused(&mut m, ME, &signed(statement(1, ME)));
        assert_eq!((id, overAt), (1, NOW));
        let _: AttestorOver = refused(&mut m, from, &end);
        // An ended key does not come back, in whatever hands it is.
        let again = listAttestorCall { listing: listing(1, Method::Card) };
        assert_eq!(refused::<BadKey>(&mut m, STREET, &again).key, key(1).address());
    }
    let mut m = listed();
    for id in [0, 3, u64::MAX] {
        let end = endAttestorCall { id, reason: "合同到期".into() };
        let _: NoSuchAttestor = refused(&mut m, STREET, &end);
    }
    for (length, fits) in [(0, false), (1, true), (512, true), (513, false)] {
        let mut m = listed();
        let end = endAttestorCall { id: 2, reason: "x".repeat(length) };
        match call(&mut m, STREET, &end) {
            Ok(_) => assert!(fits, "{length}"),
            Err(fault) => {
                assert!(!fits, "{length}");
                assert_eq!(fault.refusal::<BadReason>().unwrap().length, length as u64);
            }
        }
    }
}

/// AC-10, from both sides: at the listing and at every use.
#[test]
fn a_face_is_never_the_only_way() {
    let mut m = listed();
    registrar_pauses(&mut m, NOW + 10);
    let face = listAttestorCall { listing: listing(3, Method::Face) };
    let card = listAttestorCall { listing: listing(4, Method::Card) };
    let _: NotTheOnlyWay = refused(&mut m, STREET, &face);
    let _: NotTheOnlyWay = refused(&mut m, ME, &signed(statement(2, ME)));
    assert_eq!(shown(&mut m).iter().map(|one| one.works).collect::<Vec<_>>(), [true, false]);
    // A card is another matter: it is listed and works.
    done(&mut m, STREET, &card);
    done(&mut m, ME, &signed(statement(1, ME)));
    unbind_later(&mut m);
    // The registrar is back: to the second.
    m.now = NOW + 9;
    let _: NotTheOnlyWay = refused(&mut m, STREET, &face);
    m.now = NOW + 10;
    done(&mut m, STREET, &face);
    done(&mut m, SON, &signed(Statement { nonce: B256::ZERO, ..statement(2, SON) }));
    assert_eq!(way_of(&mut m, SON).0, Way::Face);
}

/// The registrar is frozen meanwhile, so the binding ends once the freeze is over.
fn unbind_later(m: &mut Memory) {
    let now = m.now;
    m.now = NOW + 10;
    unbind(m, ME);
    m.now = now;
}

#[test]
fn only_an_unfrozen_account_of_nobody_is_bound_and_only_to_an_owner_without_one() {
    let mut m = listed();
    let code = FreezeCode::Other;
    done(&mut m, ME, &freezeCall { account: ME, untilAt: NOW + 1, code });
    let _: AccountFrozen = refused(&mut m, ME, &signed(statement(1, ME)));
    for (unit, owner) in [(0, OWNER), (3, OWNER), (2, OWNER), (1, BUYER), (1, B256::ZERO)] {
        let made = signed(Statement { unit, owner, ..statement(1, SON) });
        let found: NotHolder = refused(&mut m, SON, &made);
        assert_eq!((found.unit, found.owner), (unit, owner));
    }
    // Who has an account keeps it to themselves: no attestor puts a second one beside it.
    let mut m = settled();
    list(&mut m, listing(1, Method::Card));
    let found: OwnerBound = refused(&mut m, SON, &signed(statement(1, SON)));
    assert_eq!(found.owner, OWNER);
    let _: IRegistry::AccountBound = refused(&mut m, ME, &signed(statement(1, ME)));
    unbind(&mut m, ME);
    done(&mut m, SON, &signed(statement(1, SON)));
    // The registrar may.
    estate(&mut m, &IRegistry::bindCall { accounts: vec![ME], owners: vec![OWNER] });
    let _: OwnerBound = refused(&mut m, DAUGHTER, &signed(statement(1, DAUGHTER)));
    unbind(&mut m, SON);
    let _: OwnerBound = refused(&mut m, DAUGHTER, &signed(statement(1, DAUGHTER)));
    unbind(&mut m, ME);
    done(&mut m, DAUGHTER, &signed(statement(1, DAUGHTER)));
}

#[test]
fn whoever_binds_does_not_list_and_nobody_lists_themselves() {
    let mut m = start();
    let card = listAttestorCall { listing: listing(1, Method::Card) };
    for from in [REGISTRAR, CHAIR, MEMBERS[0], ME, STRANGER, crate::COUNCIL] {
        let _: NotPermitted = refused(&mut m, from, &card);
    }
    let own = listAttestorCall { listing: Listing { key: STREET, ..listing(1, Method::Card) } };
    assert_eq!(refused::<BadKey>(&mut m, STREET, &own).key, STREET);
    assert_eq!(done(&mut m, crate::DECISIONS, &card), 1);
    let found = shown(&mut m);
    assert_eq!(found[0].listing, listing(1, Method::Card));
    assert_eq!((found[0].id, found[0].sinceAt, found[0].endedAt, found[0].bindings), (1, NOW, 0, 0));
}

#[test]
fn a_listing_is_refused_at_its_bounds() {
    let mut m = start();
    let of = |listing| listAttestorCall { listing };
    let none = Listing { method: Method::None, ..listing(1, Method::Card) };
    assert_eq!(refused::<BadMethod>(&mut m, STREET, &of(none)).method, 0);
    for key in [Address::ZERO, AT, address::registry, token()] {
        let bad = Listing { key, ..listing(1, Method::Card) };
        assert_eq!(refused::<BadKey>(&mut m, STREET, &of(bad)).key, key);
    }
    for until_at in [0, NOW, NOW + 366 * DAY + 1] {
        let bad = Listing { untilAt: until_at, ..listing(1, Method::Card) };
        let found: BadTerm = refused(&mut m, STREET, &of(bad));
        assert_eq!((found.endsAt, found.latestEndsAt), (until_at, NOW + 366 * DAY));
    }
    let bad = Listing { basis: B256::ZERO, ..listing(1, Method::Card) };
    let _: NoDocument = refused(&mut m, STREET, &of(bad));
    for name in ["", &"x".repeat(97), "a\nb", "a\u{7f}b"] {
        let bad = Listing { name: name.into(), ..listing(1, Method::Card) };
        assert_eq!(refused::<BadName>(&mut m, STREET, &of(bad)).length, name.len() as u64);
    }
    let long = |bytes: usize| format!("https://{}", "x".repeat(bytes - 8));
    for page in [
        "",
        "https://",
        "http://a.example",
        "javascript:alert(1)",
        "https:///path",
        "https://?a=b",
        "https://a.example/#part",
        "https://bank.example@a.example",
        "https://a.example/ b",
        "https://a.example/\\b",
        "https://例.example",
        &long(201),
    ] {
        let bad = Listing { page: page.into(), ..listing(1, Method::Card) };
        let found: BadPage = refused(&mut m, STREET, &of(bad));
        assert_eq!(found.length, page.len() as u64, "{page}");
    }
    for (n, name, page) in [(1, "x".to_owned(), "https://a".to_owned()), (2, "x".repeat(96), long(200))] {
        let until_at = if n == 1 { NOW + 1 } else { NOW + 366 * DAY };
        let fits = Listing { name, page, untilAt: until_at, ..listing(n, Method::Card) };
        list(&mut m, fits);
    }
}
