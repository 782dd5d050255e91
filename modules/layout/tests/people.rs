//! The module of people's keys.

use alloy_sol_types::SolCall;

use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;

use super::*;
use crate::accounts::{
    IAccounts::{
        FreezeCode, Grant, Guardian, Letter, Listing, Method, Scope, Statement, Suite,
        askFreezeCall, askRecoveryCall, authoriseKeyCall, endAttestorCall, freezeCall, inviteCall,
        listAttestorCall, nameHelperCall, redeemAttestedCall, setGuardiansCall, useKeyCall,
    },
    attest, entry,
};

const AT: Address = address::accounts;
const ME: Address = Address::repeat_byte(0x11);
const PHONE: Address = Address::repeat_byte(0xf1);
const NEW: Address = Address::repeat_byte(0xf3);
const FRIENDS: [Address; 2] = [Address::repeat_byte(0x51), Address::repeat_byte(0x52)];
const HASH: B256 = B256::repeat_byte(5);

fn put(twin: &mut Twin<'_>, row: &str, fields: &[(&str, U256)]) {
    for (field, value) in fields {
        twin.put(&format!("{row}.{field}"), *value);
    }
}

/// A phone that spent something, guardians who asked for two things, an open recovery and a freeze.
fn keys(m: &mut Memory) {
    let transfer = money::IToken::transferCall::SELECTOR;
    let grant = Grant {
        key: PHONE,
        suite: Suite::WebAuthn,
        label: HASH,
        expiresAt: NOW + 9,
        limitFen: 900,
        periodSeconds: 3_600,
        scope: vec![
            Scope { target: money::asset_address(1), selector: transfer.into() },
            Scope { target: address::funds, selector: Default::default() },
        ],
    };
    m.call(AT, entry, ME, &authoriseKeyCall { grant }).unwrap();
    m.call(AT, entry, ME, &useKeyCall { key: PHONE, amountFen: U256::from(70) }).unwrap();
    let office = |account, office| Guardian { account, office };
    let guardians = vec![office(FRIENDS[0], 0), office(FRIENDS[1], 0), office(Address::ZERO, 7)];
    m.call(AT, entry, ME, &setGuardiansCall { guardians }).unwrap();
    m.call(AT, entry, ME, &nameHelperCall { helper: CHAIR }).unwrap();
    let suite = Suite::P256;
    for friend in FRIENDS {
        let ask = askRecoveryCall { account: ME, key: NEW, suite };
        m.call(AT, entry, friend, &ask).unwrap();
    }
    let code = FreezeCode::Stolen;
    m.call(AT, entry, FRIENDS[1], &askFreezeCall { account: ME, code }).unwrap();
    m.call(AT, entry, PHONE, &freezeCall { account: ME, untilAt: NOW + 5, code }).unwrap();
}

/// One letter for the only home.
fn invite(m: &mut Memory) {
    use registry::IRegistry::*;
    let permits: Vec<_> = [accounts::PERMITS, registry::PERMITS]
        .concat()
        .into_iter()
        .zip([[address::accounts; 5].as_slice(), &[address::registry; 10]].concat())
        .map(|(permit, module)| (module, permit))
        .collect();
    let offices = [roles::Office::Registrar, roles::Office::StreetOffice];
    let offices = offices.map(|office| (office, CHAIR, 0));
    m.run(address::roles, Address::ZERO, |cx| roles::genesis(cx, &offices, &permits)).unwrap();
    let unit = UnitEntry {
        code: "1-101".into(),
        building: 1,
        stair: 1,
        floor: 1,
        r#use: Use::Home,
        areaM2: 9_000,
        areaSource: AreaSource::Registered,
        countsArea: true,
        countsHead: true,
        delivered: true,
        developerOwned: false,
    };
    let kind = HoldingKind::Sole;
    let part = Holding { unit: 1, owner: HASH, shareNum: 1, shareDen: 1, kind, since: NOW };
    let at = address::registry;
    m.call(at, registry::entry, CHAIR, &addUnitsCall { entries: vec![unit] }).unwrap();
    m.call(at, registry::entry, CHAIR, &addOwnersCall { owners: vec![HASH] }).unwrap();
    m.call(at, registry::entry, CHAIR, &addHoldingsCall { holdings: vec![part] }).unwrap();
    let letter = Letter { unit: 1, owner: HASH, key: NEW, expiresAt: NOW + 7 };
    m.call(AT, entry, CHAIR, &inviteCall { letters: vec![letter] }).unwrap();
}

/// A reader of cards that bound somebody to the only home, and was ended. Answers the digest of its statement.
fn attest(m: &mut Memory) -> B256 {
    let key = PrivateKeySigner::from_bytes(&HASH).unwrap();
    let listing = Listing {
        key: key.address(),
        method: Method::Card,
        name: "station".into(),
        page: format!("https://{}.example", "x".repeat(40)),
        untilAt: NOW + 8,
        basis: HASH,
    };
    m.call(AT, entry, CHAIR, &listAttestorCall { listing }).unwrap();
    let statement = Statement {
        attestor: 1,
        method: 1,
        account: FRIENDS[0],
        unit: 1,
        owner: HASH,
        issuedAt: NOW,
        expiresAt: NOW + 1,
        nonce: HASH,
    };
    let digest = attest::digest(1, AT, &statement);
    let signature = key.sign_hash_sync(&digest).unwrap().as_bytes().into();
    m.call(AT, entry, FRIENDS[0], &redeemAttestedCall { statement, signature }).unwrap();
    m.call(AT, entry, CHAIR, &endAttestorCall { id: 1, reason: LONG.into() }).unwrap();
    digest
}

/// The attestor of [`attest`].
fn put_attestor(twin: &mut Twin<'_>, digest: B256) {
    let key = PrivateKeySigner::from_bytes(&HASH).unwrap().address();
    twin.put("attestors", n(1)).put(&format!("byAttestor[{}]", word(key)), n(1));
    twin.put(&format!("statements[{}]", U256::from_be_bytes(digest.0)), n(1));
    put(
        twin,
        "attestors[0]",
        &[
            ("head.method", n(1)),
            ("head.sinceAt", n(NOW)),
            ("head.untilAt", n(NOW + 8)),
            ("head.endedAt", n(NOW)),
            ("key", word(key)),
            ("bindings", n(1)),
            ("basis", HASH.into()),
        ],
    );
    twin.text("attestors[0].name", "station");
    twin.text("attestors[0].page", &format!("https://{}.example", "x".repeat(40)));
}

#[test]
fn accounts_lie_where_solc_puts_them() {
    let Some(layouts) = layouts() else { return };
    let mut m = start();
    keys(&mut m);
    invite(&mut m);
    let digest = attest(&mut m);
    let mut twin = Twin::of(&layouts, "Accounts");
    twin.put("gate.frozenUntil", n(NOW + 5));
    put_account(&mut twin, &format!("accounts[{}]", word(ME)));
    put_papers(&mut twin);
    put_attestor(&mut twin, digest);
    twin.agrees(&m, AT);
}

fn n(value: u64) -> U256 {
    U256::from(value)
}

/// The account with its guardians and its device key.
fn put_account(twin: &mut Twin<'_>, row: &str) {
    put(
        twin,
        row,
        &[
            ("standing.frozenUntil", n(NOW + 5)),
            ("standing.code", n(2)),
            ("keys", n(1)),
            ("keys[0]", word(PHONE)),
            ("guardians", n(3)),
            ("guardians[0].account", word(FRIENDS[0])),
            ("guardians[1].account", word(FRIENDS[1])),
            ("guardians[2].office", n(7)),
            ("recovery", n(1)),
            ("helper", word(CHAIR)),
            ("asks[1].freeze.by", word(FRIENDS[1])),
            ("asks[1].freeze.at", n(NOW)),
        ],
    );
    for (seat, friend) in FRIENDS.into_iter().enumerate() {
        put(
            twin,
            &format!("{row}.asks[{seat}]"),
            &[
                ("head.key", word(NEW)),
                ("head.suite", n(2)),
                ("head.at", n(NOW)),
                ("by", word(friend)),
            ],
        );
    }
    let transfer = u32::from_be_bytes(money::IToken::transferCall::SELECTOR);
    put(
        twin,
        &format!("{row}.known[{}]", word(PHONE)),
        &[
            ("head.suite", n(3)),
            ("head.sinceAt", n(NOW)),
            ("head.expiresAt", n(NOW + 9)),
            ("allowance.limit", n(900)),
            ("allowance.period", n(3_600)),
            ("allowance.spent", n(70)),
            ("label", HASH.into()),
            ("scope", n(2)),
            ("scope[0].target", word(money::asset_address(1))),
            ("scope[0].selector", U256::from(transfer)),
            ("scope[1].target", word(address::funds)),
        ],
    );
}

/// The open recovery and the letter.
fn put_papers(twin: &mut Twin<'_>) {
    let day = 86_400;
    twin.put("recoveries", n(1));
    put(
        twin,
        "recoveries[0]",
        &[
            ("head.key", word(NEW)),
            ("head.suite", n(2)),
            ("head.stage", n(1)),
            ("times.openedAt", n(NOW)),
            ("times.readyAt", n(NOW + 7 * day)),
            ("times.lapsesAt", n(NOW + 37 * day)),
            ("account", word(ME)),
            ("first", word(FRIENDS[0])),
            ("second", word(FRIENDS[1])),
        ],
    );
    twin.put("letters", n(1)).put(&format!("byKey[{}]", word(NEW)), n(1));
    put(
        twin,
        "letters[0]",
        &[
            ("head.unit", n(1)),
            ("head.issuedAt", n(NOW)),
            ("head.expiresAt", n(NOW + 7)),
            ("head.stage", n(1)),
            ("key", word(NEW)),
            ("owner", HASH.into()),
        ],
    );
}
