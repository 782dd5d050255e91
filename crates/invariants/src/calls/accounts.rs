use alloy_primitives::keccak256;
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolStruct, eip712_domain};
use tulou_modules::{
    accounts::IAccounts::{
        self, FreezeCode, Guardian, Letter, Listing, Method, Scope, Stage, Statement, Suite,
    },
    money,
    registry::IRegistry,
};

use super::*;
use crate::people::{DEVICES, HOUSING, KEEPER, REGISTRAR, STREET, paper};

ops! { "accounts": {
    "authoriseKey" => authorise,
    "revokeKey" => revoke,
    "useKey" => use_key,
    "setGuardians" => set_guardians,
    "askRecovery" => ask_recovery,
    "openRecovery" => open_recovery,
    "vetoRecovery" => veto,
    "finishRecovery" => finish,
    "freeze" => freeze,
    "askFreeze" => ask_freeze,
    "unfreeze" => unfreeze,
    "nameHelper" => name_helper,
    "invite" => invite,
    "revokeInvitation" => revoke_invitation,
    "redeem" => redeem,
    "listAttestor" => list_attestor,
    "endAttestor" => end_attestor,
    "redeemAttested" => redeem_attested,
} }

const AT: Address = address::accounts;
/// Whoever is bound to no owner at the founding.
const UNBOUND: [Address; 6] = [OWNERS[11], STRANGER, HOUSING, KEEPER, DEVICES[0], DEVICES[1]];

fn suite(g: &mut Gen<'_, '_>) -> Suite {
    if g.source.one_in(24) { Suite::None } else { g.source.pick(&[Suite::P256, Suite::WebAuthn]) }
}

/// A key that may not have been used yet.
fn key(g: &mut Gen<'_, '_>) -> Address {
    if g.source.one_in(16) {
        return g.any_address();
    }
    Address::repeat_byte(g.source.byte() % 64 + 0xb0)
}

fn scope(g: &mut Gen<'_, '_>) -> Vec<Scope> {
    let count = match g.source.byte() {
        0..=4 => 0,
        5..=9 => 17,
        n => usize::from(n) % 3 + 1,
    };
    let token = money::asset_address(1);
    let never = g.source.one_in(12);
    let targets = if never { [AT, COUNCIL] } else { [token, address::registry] };
    let mut pick = |_| Scope { target: g.source.pick(&targets), selector: Default::default() };
    (0..count).map(&mut pick).collect()
}

const COUNCIL: Address = address::council;

fn authorise(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (now, key) = (g.now(), if g.source.one_in(2) { g.source.pick(&DEVICES) } else { key(g) });
    let limit = if g.source.one_in(3) { 0 } else { g.source.amount(&[5_000, 100]) };
    let period = g.source.pick(&[DAY, 3_600, 366 * DAY, 3_599]);
    let grant = IAccounts::Grant {
        key,
        suite: suite(g),
        label: g.hash(),
        expiresAt: g.source.time(&[now + 100 * DAY, now + 366 * DAY, now + 20 * DAY]),
        limitFen: limit,
        periodSeconds: if limit == 0 && !g.source.one_in(16) { 0 } else { period },
        scope: scope(g),
    };
    let account = if g.source.one_in(8) { g.anybody() } else { g.source.pick(&OWNERS) };
    one(account, AT, &IAccounts::authoriseKeyCall { grant })
}

/// An account, rather one that has keys, and one of them.
fn device(g: &mut Gen<'_, '_>) -> (Address, Address) {
    let first = g.source.below(OWNERS.len());
    for n in 0..OWNERS.len() {
        let account = OWNERS[(first + n) % OWNERS.len()];
        let keys = g.see(AT, &IAccounts::keysCall { ofAccount: account });
        if let Some(found) = keys.get(g.source.below(keys.len().max(1))) {
            return (account, found.grant.key);
        }
    }
    (OWNERS[first], DEVICES[0])
}

fn revoke(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (account, key) = device(g);
    one(g.by(&[account, account, key]), AT, &IAccounts::revokeKeyCall { account, key })
}

fn use_key(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (account, key) = device(g);
    let amount = alloy_primitives::U256::from(g.source.amount(&[5_000, 100, 1]));
    one(g.by(&[account]), AT, &IAccounts::useKeyCall { key, amountFen: amount })
}

fn guardians(g: &mut Gen<'_, '_>, account: Address) -> Vec<Guardian> {
    let mut all = Vec::new();
    let count = g.source.pick(&[2, 3, 3, 3, 0, 1, 4]);
    for _ in 0..count {
        let office = if g.source.one_in(3) { g.source.pick(&[1, 2, 5, 7, 9]) } else { 0 };
        let of = if office == 0 { g.source.pick(&OWNERS) } else { Address::ZERO };
        all.push(Guardian { account: of, office });
    }
    if !g.source.one_in(12) {
        all.dedup_by(|a, b| (a.account, a.office) == (b.account, b.office));
        all.retain(|guardian| guardian.account != account);
    }
    all
}

fn set_guardians(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let account = g.source.pick(&OWNERS);
    let guardians = guardians(g, account);
    one(g.by(&[account]), AT, &IAccounts::setGuardiansCall { guardians })
}

/// An account whose guardians can be named: one that has some, or one that gets two of them first.
fn guarded(g: &mut Gen<'_, '_>) -> (Address, [Address; 2], Vec<Move>) {
    let first = g.source.below(OWNERS.len());
    for n in 0..OWNERS.len() {
        let account = OWNERS[(first + n) % OWNERS.len()];
        let call = IAccounts::accountCall { ofAccount: account };
        let Ok(found) = view(g.memory, AT, &call) else { continue };
        let people: Vec<Address> = found.guardians.iter().map(|seat| seat.account).collect();
        if people.iter().filter(|person| !person.is_zero()).count() > 1 && g.source.one_in(2) {
            let people: Vec<_> = people.into_iter().filter(|person| !person.is_zero()).collect();
            return (account, [people[0], people[1]], Vec::new());
        }
    }
    let account = OWNERS[first];
    let friends = [STREET, OWNERS[(first + 1) % OWNERS.len()]];
    let guardians = vec![
        Guardian { account: Address::ZERO, office: 7 },
        Guardian { account: friends[1], office: 0 },
    ];
    let moves = one(account, AT, &IAccounts::setGuardiansCall { guardians });
    (account, friends, moves)
}

fn ask_recovery(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (account, friends, mut moves) = guarded(g);
    let (key, suite) = (key(g), suite(g));
    for friend in friends {
        moves.extend(one(g.by(&[friend]), AT, &IAccounts::askRecoveryCall { account, key, suite }));
        if g.source.one_in(4) {
            moves.push(Move::Wait { seconds: 7 * DAY - u64::from(g.source.byte() % 2), blocks: 1 });
        }
    }
    moves
}

fn open_recovery(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (account, key, suite) = (g.source.pick(&OWNERS), key(g), suite(g));
    let document = if g.source.one_in(16) { B256::ZERO } else { paper(97) };
    let call = IAccounts::openRecoveryCall { account, key, suite, document };
    one(g.by(&[REGISTRAR]), AT, &call)
}

fn recoveries(g: &mut Gen<'_, '_>) -> Vec<IAccounts::Recovery> {
    g.see(AT, &IAccounts::recoveriesCall { cursor: 0, limit: 200 }).items
}

/// The youngest open recovery, or one to come.
fn opened(g: &mut Gen<'_, '_>) -> (u64, Address, u64, Vec<Move>) {
    let all = recoveries(g);
    if let Some(open) = all.iter().rev().find(|recovery| recovery.stage == Stage::Open) {
        return (open.id, open.account, open.readyAt, Vec::new());
    }
    let (account, suite, now) = (g.source.pick(&OWNERS), Suite::WebAuthn, g.now());
    let (key, document) = (key(g), paper(98));
    let call = IAccounts::openRecoveryCall { account, key, suite, document };
    (all.len() as u64 + 1, account, now + 15 * DAY, one(REGISTRAR, AT, &call))
}

fn veto(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (_, account, _, mut moves) = opened(g);
    let (_, key) = device(g);
    moves.extend(one(g.by(&[account, account, key]), AT, &IAccounts::vetoRecoveryCall { account }));
    moves
}

fn finish(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (id, _, ready_at, mut moves) = opened(g);
    let wait = g.source.time(&[ready_at, ready_at, ready_at + 30 * DAY]).saturating_sub(g.now());
    moves.push(Move::Wait { seconds: wait.min(50 * DAY), blocks: 1 });
    let id = if g.source.one_in(12) { g.source.id(id) } else { id };
    moves.extend(one(g.anybody(), AT, &IAccounts::finishRecoveryCall { id }));
    moves
}

fn code(g: &mut Gen<'_, '_>) -> FreezeCode {
    if g.source.one_in(16) { FreezeCode::None } else { FreezeCode::Lost }
}

/// Short as a rule, so that the others are not kept waiting.
fn freeze_of(g: &mut Gen<'_, '_>, account: Address) -> IAccounts::freezeCall {
    let now = g.now();
    let until_at = g.source.time(&[now + 60, now + 3_600, now + DAY, now + 30 * DAY]);
    IAccounts::freezeCall { account, untilAt: until_at, code: code(g) }
}

fn freeze(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (account, key) = device(g);
    let call = freeze_of(g, account);
    one(g.by(&[account, key]), AT, &call)
}

fn ask_freeze(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (account, friends, mut moves) = guarded(g);
    for friend in friends {
        let code = code(g);
        moves.extend(one(g.by(&[friend]), AT, &IAccounts::askFreezeCall { account, code }));
    }
    if !g.source.one_in(3) {
        moves.extend(one(account, AT, &IAccounts::unfreezeCall {}));
    }
    moves
}

fn unfreeze(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let account = g.source.pick(&OWNERS);
    let call = freeze_of(g, account);
    let mut moves = if g.source.one_in(8) { Vec::new() } else { one(account, AT, &call) };
    moves.extend(one(g.by(&[account]), AT, &IAccounts::unfreezeCall {}));
    moves
}

fn name_helper(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let helper = g.any_address();
    one(g.anybody(), AT, &IAccounts::nameHelperCall { helper })
}

/// The private half that is printed in a letter.
fn secret(number: u64) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(format!("letter {number}"))).expect("a private key")
}

fn letters(g: &mut Gen<'_, '_>) -> u64 {
    let call = IAccounts::invitationsCall { cursor: 0, limit: 200 };
    g.see(AT, &call).items.len() as u64
}

/// The next letter, to who holds the unit as a rule.
fn letter(g: &mut Gen<'_, '_>) -> (u64, Letter) {
    let (id, unit, now) = (letters(g) + 1, registry::unit(g), g.now());
    let holdings = g.see(address::registry, &IRegistry::holdingsOfCall { ofUnit: unit });
    let owner = holdings.first().map_or(B256::ZERO, |holding| holding.owner);
    let owner = if g.source.one_in(16) { g.hash() } else { owner };
    let number = if g.source.one_in(24) { 1 } else { id };
    let expires_at = g.source.time(&[now + 90 * DAY, now + 30 * DAY, now + DAY]);
    (id, Letter { unit, owner, key: secret(number).address(), expiresAt: expires_at })
}

fn invite(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (_, letter) = letter(g);
    let letters = if g.source.one_in(16) { Vec::new() } else { vec![letter] };
    one(g.by(&[REGISTRAR]), AT, &IAccounts::inviteCall { letters })
}

fn revoke_invitation(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let count = letters(g);
    let id = g.source.id(count);
    one(g.by(&[REGISTRAR]), AT, &IAccounts::revokeInvitationCall { id })
}

/// By the account that the letter signs, as a rule right after it was issued.
fn redeem(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (mut moves, mut id) = (Vec::new(), letters(g));
    if id == 0 || !g.source.one_in(4) {
        let (next, letter) = letter(g);
        id = next;
        moves = one(REGISTRAR, AT, &IAccounts::inviteCall { letters: vec![letter] });
    }
    let account = g.source.pick(&UNBOUND);
    let domain = b"tulou/invitation/v1".as_slice();
    let number = id.to_be_bytes();
    let parts = [domain, &1u64.to_be_bytes(), &number, account.as_slice()].concat();
    let signed = secret(id).sign_hash_sync(&keccak256(parts)).expect("a signature");
    let call = IAccounts::redeemCall { id, signature: signed.as_bytes().into() };
    moves.extend(one(g.by(&[account]), AT, &call));
    moves
}

/// The key that an attestor signs with.
fn attestor_key(number: u64) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(format!("attestor {number}"))).expect("a private key")
}

fn attestors(g: &mut Gen<'_, '_>) -> Vec<IAccounts::Attestor> {
    g.see(AT, &IAccounts::attestorsCall { cursor: 0, limit: 200 }).items
}

/// The next attestor, and its number.
fn listing(g: &mut Gen<'_, '_>) -> (u64, Listing) {
    let (id, now) = (attestors(g).len() as u64 + 1, g.now());
    let number = if g.source.one_in(24) { 1 } else { id };
    let methods = [Method::Card, Method::Face, Method::Card, Method::Face, Method::None];
    let most = if g.source.one_in(16) { 4 } else { 3 };
    let listing = Listing {
        key: attestor_key(number).address(),
        method: methods[g.source.below(most + 1)],
        name: if g.source.one_in(16) { String::new() } else { "station".into() },
        page: g.source.pick(&["https://a.example", "https://b.example", "http://c"]).into(),
        untilAt: g.source.time(&[now + 366 * DAY, now + 30 * DAY, now + DAY]),
        basis: if g.source.one_in(16) { B256::ZERO } else { paper(96) },
    };
    (id, listing)
}

fn list_attestor(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (_, listing) = listing(g);
    one(g.by(&[STREET]), AT, &IAccounts::listAttestorCall { listing })
}

fn end_attestor(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let count = attestors(g).len() as u64;
    let mut moves = Vec::new();
    let mut id = g.source.id(count);
    if count == 0 {
        let (next, listing) = listing(g);
        id = next;
        moves = one(STREET, AT, &IAccounts::listAttestorCall { listing });
    }
    let reason = if g.source.one_in(16) { String::new() } else { "over".to_owned() };
    moves.extend(one(g.by(&[STREET, REGISTRAR]), AT, &IAccounts::endAttestorCall { id, reason }));
    moves
}

/// For an owner whose account is unbound first, as a rule; now and then the registrar is paused.
fn redeem_attested(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let now = g.now();
    let mut moves = Vec::new();
    let found = attestors(g).into_iter().rev().find(|one| one.works);
    let (id, method) = match found {
        Some(found) => (found.id, found.listing.method),
        None => {
            let (id, listing) = listing(g);
            let method = listing.method;
            moves = one(STREET, AT, &IAccounts::listAttestorCall { listing });
            (id, method)
        }
    };
    let unit = registry::unit(g);
    let holdings = g.see(address::registry, &IRegistry::holdingsOfCall { ofUnit: unit });
    let owner = holdings.first().map_or(B256::ZERO, |holding| holding.owner);
    let mut account = g.source.pick(&UNBOUND);
    for bound in OWNERS {
        let of = g.see(address::registry, &IRegistry::ownerOfCall { account: bound });
        if of == owner && of != B256::ZERO && !g.source.one_in(4) {
            let call = IRegistry::unbindCall { account: bound, reasonHash: paper(95) };
            moves.extend(one(REGISTRAR, address::registry, &call));
            account = bound;
        }
    }
    let wait = g.source.pick(&[0, 0, 0, 3_599, 3_600]);
    let statement = Statement {
        attestor: id,
        method: if g.source.one_in(24) { 3 } else { method as u8 },
        account,
        unit,
        owner,
        issuedAt: g.source.time(&[now, now, now + 60]),
        expiresAt: g.source.time(&[now + 3_600, now + 3_600, now + 60]),
        nonce: g.hash(),
    };
    let domain = eip712_domain! {
        name: "Tulou", version: "1", chain_id: 1u64, verifying_contract: AT,
    };
    let digest = statement.eip712_signing_hash(&domain);
    let signature = attestor_key(id).sign_hash_sync(&digest).expect("a signature");
    let signature: Bytes = signature.as_bytes().into();
    if wait != 0 {
        moves.push(Move::Wait { seconds: wait, blocks: 1 });
    }
    let call = IAccounts::redeemAttestedCall { statement, signature };
    let by = g.by(&[account]);
    moves.extend(one(by, AT, &call));
    if g.source.one_in(4) {
        moves.extend(one(by, AT, &call));
    }
    moves
}
