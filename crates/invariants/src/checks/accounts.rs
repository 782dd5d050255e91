//! AC-1 to AC-10: which key acts for whom, worked out from the events alone.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use tulou_modules::{
    accounts::IAccounts::{self, InvitationStage, Method, Stage},
    address,
    registry::IRegistry,
    roles::IRoles,
};
use tulou_slots::{Logged, Memory};

use super::{all_of, ask, event, events};
use crate::{
    people::{DAY, STREET},
    play::{Broken, Kept, Seen, keep},
    world::view,
};

const AT: Address = address::accounts;

#[derive(Clone, Debug)]
struct Device {
    grant: IAccounts::Grant,
    over: bool,
    since: u64,
    /// Fen spent by number of the period.
    spent: BTreeMap<u64, u64>,
}

impl Device {
    fn period(&self, now: u64) -> u64 {
        (now - self.since).checked_div(self.grant.periodSeconds).unwrap_or(0)
    }

    fn left(&self, now: u64) -> u64 {
        let spent = self.spent.get(&self.period(now)).copied().unwrap_or(0);
        self.grant.limitFen.saturating_sub(spent)
    }
}

#[derive(Debug)]
struct Recovery {
    account: Address,
    key: Address,
    ready_at: u64,
    lapses_at: u64,
    stage: Stage,
}

#[derive(Debug)]
struct Letter {
    letter: IAccounts::Letter,
    stage: InvitationStage,
}

#[derive(Debug)]
struct Attestor {
    key: Address,
    method: Method,
    until_at: u64,
    ended_at: u64,
    bindings: u64,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    devices: BTreeMap<(Address, Address), Device>,
    roots: BTreeMap<Address, Address>,
    lost: BTreeSet<(Address, Address)>,
    frozen: BTreeMap<Address, u64>,
    /// What guardians ask for: account and who asks, the key and when.
    asks: BTreeMap<(Address, Address), (Address, u64)>,
    recoveries: Vec<Recovery>,
    letters: Vec<Letter>,
    attestors: Vec<Attestor>,
    /// Digests of the statements that bound somebody.
    stated: BTreeSet<B256>,
}

impl Model {
    pub(super) fn begin(memory: &mut Memory) -> Result<Self, Broken> {
        let letters = all_of!(memory, AT, IAccounts::invitationsCall {})?;
        let recoveries = all_of!(memory, AT, IAccounts::recoveriesCall {})?;
        let none = letters.is_empty() && recoveries.is_empty();
        keep!("AC-7", none, "letters or recoveries at the founding");
        Ok(Self::default())
    }

    pub(super) fn after(&mut self, seen: &mut Seen<'_>) -> Kept {
        let now = seen.after.now;
        for log in seen.logs {
            self.keys(log, seen, now)?;
            self.recovery(log, seen, now)?;
            self.letter(log, seen, now)?;
            self.attestor(log, seen, now)?;
        }
        self.bindings(seen)?;
        self.spending(seen, now)?;
        if seen.concerns(AT) || seen.call.is_none() { self.check(seen.after, now) } else { Ok(()) }
    }

    fn living(&self, account: Address, key: Address, now: u64) -> bool {
        let device = self.devices.get(&(account, key));
        device.is_some_and(|device| !device.over && now < device.grant.expiresAt)
    }

    fn open(&self, account: Address, now: u64) -> Option<usize> {
        let open = |one: &Recovery| one.account == account && one.stage == Stage::Open;
        self.recoveries.iter().position(|one| open(one) && now < one.lapses_at)
    }

    /// Keys, freezes, and what the account alone may do.
    fn keys(&mut self, log: &Logged, seen: &Seen<'_>, now: u64) -> Kept {
        let actor = super::inner::actor(seen.logs).unwrap_or(seen.caller());
        if let Some(given) = event::<IAccounts::KeyAuthorised>(log, AT) {
            let place = (given.account, given.key);
            keep!("AC-2", given.account == actor, "{actor} gives a key to {}", given.account);
            let known = self.devices.contains_key(&place) || self.lost.contains(&place);
            keep!("AC-1", !known, "{} comes back", given.key);
            let call =
                seen.call.and_then(|c| IAccounts::authoriseKeyCall::abi_decode(&c.input).ok());
            if let Some(call) = call {
                let entries = call.grant.scope.len();
                keep!("AC-2", (1..=16).contains(&entries), "a key with {entries} scope entries");
                let (grant, spent) = (call.grant, BTreeMap::new());
                self.devices.insert(place, Device { grant, over: false, since: now, spent });
            }
        }
        if let Some(ended) = event::<IAccounts::KeyRevoked>(log, AT)
            && let Some(device) = self.devices.get_mut(&(ended.account, ended.key))
        {
            keep!("AC-1", !device.over, "{} is revoked twice", ended.key);
            device.over = true;
        }
        if let Some(frozen) = event::<IAccounts::Frozen>(log, AT) {
            let within = frozen.untilAt > now && frozen.untilAt <= now + 30 * DAY;
            keep!("AC-6", within, "{} is frozen until {}", frozen.account, frozen.untilAt);
            self.frozen.insert(frozen.account, frozen.untilAt);
        }
        if let Some(lifted) = event::<IAccounts::Unfrozen>(log, AT) {
            keep!("AC-2", lifted.account == actor, "{actor} lifts a freeze of {}", lifted.account);
            self.frozen.insert(lifted.account, 0);
        }
        if let Some(named) = event::<IAccounts::HelperNamed>(log, AT) {
            keep!("AC-2", named.account == actor, "{actor} names a helper of {}", named.account);
        }
        if let Some(set) = event::<IAccounts::GuardiansSet>(log, AT) {
            keep!("AC-2", set.account == actor, "{actor} names guardians of {}", set.account);
            keep!("AC-2", [0, 2, 3].contains(&set.count), "{} guardians", set.count);
            self.asks.retain(|(account, _), _| *account != set.account);
        }
        Ok(())
    }

    fn recovery(&mut self, log: &Logged, seen: &Seen<'_>, now: u64) -> Kept {
        if let Some(asked) = event::<IAccounts::RecoveryAsked>(log, AT) {
            keep!("AC-4", asked.by == seen.caller(), "somebody asks in the name of {}", asked.by);
            self.asks.insert((asked.account, asked.by), (asked.key, now));
        }
        if let Some(opened) = event::<IAccounts::RecoveryOpened>(log, AT) {
            let account = opened.account;
            keep!("AC-5", self.open(account, now).is_none(), "two recoveries of {account}");
            let same = |ask: &(&(Address, Address), &(Address, u64))| {
                ask.0.0 == account && ask.1.0 == opened.key && now < ask.1.1 + 7 * DAY
            };
            let asked = self.asks.iter().filter(same).count();
            let by_document = !opened.document.is_zero();
            keep!("AC-4", by_document || asked > 1, "{asked} guardian opens a recovery");
            let wait = if by_document { 15 * DAY } else { 7 * DAY };
            keep!("AC-4", opened.readyAt == now + wait, "a waiting period of another length");
            let (key, ready_at, lapses_at) = (opened.key, opened.readyAt, opened.lapsesAt);
            let stage = Stage::Open;
            self.recoveries.push(Recovery { account, key, ready_at, lapses_at, stage });
        }
        if let Some(stopped) = event::<IAccounts::RecoveryVetoed>(log, AT) {
            let (account, by) = (stopped.account, seen.caller());
            let may = by == account || self.living(account, by, now);
            keep!("AC-5", may, "{by} vetoes for {account}");
            let open = self.open(account, now);
            keep!("AC-5", open == Some(stopped.id as usize - 1), "what was not open is vetoed");
            self.recoveries[stopped.id as usize - 1].stage = Stage::Vetoed;
            self.asks.retain(|(asked, _), _| *asked != account);
        }
        if let Some(done) = event::<IAccounts::RecoveryDone>(log, AT) {
            let account = done.account;
            let open = self.open(account, now);
            keep!("AC-4", open == Some(done.id as usize - 1), "what was not open is finished");
            let recovery = &mut self.recoveries[done.id as usize - 1];
            keep!("AC-4", now >= recovery.ready_at, "finished before its waiting period");
            keep!("AC-4", done.newRoot == recovery.key, "another key than asked for");
            recovery.stage = Stage::Done;
            let old = self.roots.insert(account, done.newRoot).unwrap_or(account);
            keep!("AC-4", done.oldRoot == old, "another root than the last is lost");
            self.lost.insert((account, old));
            let of_account = self.devices.iter().filter(|((owner, _), _)| *owner == account);
            let left = of_account.filter(|(_, device)| !device.over).count();
            keep!("AC-4", left == 0, "{left} keys of before are left to {account}");
            self.frozen.insert(account, 0);
            self.asks.retain(|(asked, _), _| *asked != account);
        }
        Ok(())
    }

    fn letter(&mut self, log: &Logged, seen: &mut Seen<'_>, now: u64) -> Kept {
        if let Some(sent) = event::<IAccounts::Invited>(log, AT) {
            let next = sent.id as usize == self.letters.len() + 1;
            keep!("AC-7", next, "letter {} is not the next", sent.id);
            let call = seen.call.and_then(|c| IAccounts::inviteCall::abi_decode(&c.input).ok());
            let of_unit =
                |letter: &IAccounts::Letter| (letter.unit, letter.owner) == (sent.unit, sent.owner);
            let found = call.and_then(|call| call.letters.into_iter().find(of_unit));
            let Some(letter) = found else {
                return Err(Broken::new("AC-7", "a letter that nobody asked for".into()));
            };
            self.letters.push(Letter { letter, stage: InvitationStage::Open });
        }
        if let Some(void) = event::<IAccounts::InvitationRevoked>(log, AT) {
            self.letters[void.id as usize - 1].stage = InvitationStage::Revoked;
        }
        if let Some(used) = event::<IAccounts::InvitationUsed>(log, AT) {
            let letter = &mut self.letters[used.id as usize - 1];
            let works = letter.stage == InvitationStage::Open && now < letter.letter.expiresAt;
            keep!("AC-7", works, "letter {} works although it is over", used.id);
            keep!("AC-7", used.account == seen.caller(), "used for somebody else");
            letter.stage = InvitationStage::Used;
            let call = IRegistry::holdingsOfCall { ofUnit: letter.letter.unit };
            let holdings = ask(seen.after, address::registry, &call)?;
            let holds = holdings.iter().any(|holding| holding.owner == letter.letter.owner);
            keep!("AC-7", holds, "letter {} is for who holds no such unit", used.id);
            let call = IRegistry::ownerOfCall { account: used.account };
            let owner = ask(seen.after, address::registry, &call)?;
            keep!("AC-7", owner == letter.letter.owner, "bound to another owner");
        }
        Ok(())
    }

    /// Who is listed by whom, and what a statement may do.
    fn attestor(&mut self, log: &Logged, seen: &mut Seen<'_>, now: u64) -> Kept {
        let actor = super::inner::actor(seen.logs).unwrap_or(seen.caller());
        if let Some(listed) = event::<IAccounts::AttestorListed>(log, AT) {
            let by = actor == STREET || actor == address::decisions;
            keep!("AC-8", by, "{actor} lists an attestor");
            let known = self.attestors.iter().any(|one| one.key == listed.key);
            keep!("AC-8", !known && listed.key != actor, "{} comes back", listed.key);
            let short = listed.untilAt > now && listed.untilAt - now <= 366 * DAY;
            keep!("AC-8", short, "attestor {} until {}", listed.id, listed.untilAt);
            let face = listed.method == Method::Face;
            keep!(
                "AC-10",
                !face || registrar(seen.after)?,
                "a face where nobody is at the counter"
            );
            self.attestors.push(Attestor {
                key: listed.key,
                method: listed.method,
                until_at: listed.untilAt,
                ended_at: 0,
                bindings: 0,
            });
        }
        if let Some(ended) = event::<IAccounts::AttestorEnded>(log, AT) {
            self.attestors[ended.id as usize - 1].ended_at = now;
        }
        let Some(said) = event::<IAccounts::Attested>(log, AT) else { return Ok(()) };
        let call = seen.call.and_then(|c| IAccounts::redeemAttestedCall::abi_decode(&c.input).ok());
        let Some(IAccounts::redeemAttestedCall { statement, .. }) = call else {
            return Err(Broken::new("AC-9", "a statement that nobody used".into()));
        };
        let one = &mut self.attestors[said.attestor as usize - 1];
        one.bindings += 1;
        let works = one.ended_at == 0 && now < one.until_at;
        keep!("AC-8", works, "attestor {} binds although it is over", said.attestor);
        let face = one.method == Method::Face;
        keep!(
            "AC-10",
            !face || registrar(seen.after)?,
            "a face binds and nobody is at the counter"
        );
        keep!("AC-9", self.stated.insert(said.digest), "statement {} works twice", said.digest);
        let own = said.account == seen.caller() && statement.account == said.account;
        keep!("AC-9", own, "{} is bound by another's call", said.account);
        let lasting = statement.expiresAt.saturating_sub(statement.issuedAt) <= 3_600;
        let valid = statement.issuedAt <= now + 60 && now < statement.expiresAt && lasting;
        keep!("AC-9", valid, "a statement from {} is used at {now}", statement.issuedAt);
        let at = address::registry;
        let holdings = ask(seen.after, at, &IRegistry::holdingsOfCall { ofUnit: statement.unit })?;
        let holds = holdings.iter().any(|holding| holding.owner == statement.owner);
        keep!("AC-9", holds, "a statement for who holds no such unit");
        let owner = ask(seen.after, at, &IRegistry::ownerOfCall { account: said.account })?;
        keep!("AC-9", owner == statement.owner, "bound to another owner");
        for other in crate::people::everybody() {
            let of = ask(seen.after, at, &IRegistry::ownerOfCall { account: other })?;
            let second = of == owner && other != said.account;
            keep!("AC-9", !second, "{other} acts for the owner besides {}", said.account);
        }
        let way = ask(seen.after, at, &IRegistry::bindingOfCall { account: said.account })?;
        let wanted = if face { IRegistry::Way::Face } else { IRegistry::Way::Card };
        let right = way.way == wanted && way.source == said.attestor && way.boundAt == now;
        keep!("AC-9", right, "bound by {:?}", way.way);
        Ok(())
    }

    /// What was counted adds up to the limit at most.
    fn spending(&mut self, seen: &Seen<'_>, now: u64) -> Kept {
        let Some(call) = seen.call.filter(|call| call.to == AT) else { return Ok(()) };
        let Ok(used) = IAccounts::useKeyCall::abi_decode(&call.input) else { return Ok(()) };
        if self.roots.get(&call.from).unwrap_or(&call.from) == &used.key {
            return Ok(());
        }
        let living = self.living(call.from, used.key, now);
        keep!("AC-1", living, "{} of {} is counted although it is over", used.key, call.from);
        if let Some(device) = self.devices.get_mut(&(call.from, used.key)) {
            let amount: u64 = used.amountFen.saturating_to();
            let left = device.left(now);
            keep!("AC-3", amount <= left, "{amount} of {left} left to {}", used.key);
            *device.spent.entry(device.period(now)).or_default() += amount;
        }
        Ok(())
    }

    /// Whoever comes to act for an owner does so by the registrar's own call, a letter or a statement.
    fn bindings(&self, seen: &Seen<'_>) -> Kept {
        let bound = events::<IRegistry::AccountAdded>(seen.logs).len();
        let stated = events::<IAccounts::Attested>(seen.logs).len();
        let used = events::<IAccounts::InvitationUsed>(seen.logs).len() + stated;
        if seen.call.is_some_and(|call| call.to == AT) {
            keep!("AC-7", bound == used, "{bound} accounts by {used} letters and statements");
        }
        Ok(())
    }

    fn check(&self, memory: &mut Memory, now: u64) -> Kept {
        let mut counts = BTreeMap::<Address, usize>::new();
        for ((account, key), device) in &self.devices {
            *counts.entry(*account).or_default() += usize::from(!device.over);
            let scope = &device.grant.scope[0];
            let query = IAccounts::mayActCall {
                ofAccount: *account,
                ofKey: *key,
                target: scope.target,
                selector: [0xff; 4].into(),
                amountFen: device.left(now),
            };
            let found = ask(memory, AT, &query)?;
            let frozen = self.frozen.get(account).is_some_and(|until| now < *until);
            let acts = self.living(*account, *key, now) && !frozen;
            // Whole modules alone are in the makers' scopes; a key that became a root does everything.
            let is_root = self.roots.get(account) == Some(key);
            keep!("AC-1", is_root || found.allowed == acts, "{key} of {account} acts: {found:?}");
            keep!("AC-3", found.restFen == device.left(now), "{key} of {account}: {found:?}");
        }
        for (account, living) in counts {
            let listed = ask(memory, AT, &IAccounts::keysCall { ofAccount: account })?.len();
            keep!("AC-2", listed == living && living <= 8, "{account} has {listed} keys");
        }
        for (account, root) in &self.roots {
            let found = ask(memory, AT, &IAccounts::accountCall { ofAccount: *account })?;
            keep!("AC-4", found.root == *root, "{account} has another root key");
        }
        for (account, until) in &self.frozen {
            let found = ask(memory, AT, &IAccounts::accountCall { ofAccount: *account })?;
            keep!("AC-6", found.frozenUntil == *until, "{account} is frozen otherwise");
        }
        let shown = all_of!(memory, AT, IAccounts::recoveriesCall {})?;
        keep!("AC-5", shown.len() == self.recoveries.len(), "a recovery is missing");
        for (one, shown) in self.recoveries.iter().zip(&shown) {
            let lapsed = one.stage == Stage::Open && now >= one.lapses_at;
            let stage = if lapsed { Stage::Lapsed } else { one.stage };
            keep!("AC-5", stage == shown.stage, "recovery {} is {:?}", shown.id, shown.stage);
        }
        for (one, shown) in
            self.letters.iter().zip(all_of!(memory, AT, IAccounts::invitationsCall {})?)
        {
            let over = one.stage == InvitationStage::Open && now >= one.letter.expiresAt;
            let stage = if over { InvitationStage::Expired } else { one.stage };
            keep!("AC-7", stage == shown.stage, "letter {} is {:?}", shown.id, shown.stage);
        }
        self.check_attestors(memory, now)
    }

    fn check_attestors(&self, memory: &mut Memory, now: u64) -> Kept {
        let shown = all_of!(memory, AT, IAccounts::attestorsCall {})?;
        keep!("AC-8", shown.len() == self.attestors.len(), "an attestor is missing");
        let open = registrar(memory)?;
        for (one, shown) in self.attestors.iter().zip(shown) {
            let running = one.ended_at == 0 && now < one.until_at;
            let works = running && (open || one.method != Method::Face);
            keep!("AC-10", works == shown.works, "attestor {} works: {}", shown.id, shown.works);
            keep!("AC-9", one.bindings == shown.bindings, "attestor {} is counted", shown.id);
        }
        Ok(())
    }
}

/// Whether anybody is registrar now.
fn registrar(memory: &mut Memory) -> Result<bool, Broken> {
    let now = memory.now;
    let office = IRoles::Office::Registrar;
    let call = IRoles::holdersCall { office, cursor: 0, limit: 200 };
    Ok(ask(memory, address::roles, &call)?.items.iter().any(|term| {
        let ended = term.revokedAt != 0 || (term.untilAt != 0 && term.untilAt <= now);
        term.fromAt <= now && !ended && term.frozenUntil <= now
    }))
}

/// Whether an account may call a module at all: while it is frozen by its owner, the module of keys alone.
pub(crate) fn may_call(memory: &mut Memory, account: Address, to: Address) -> bool {
    let now = memory.now;
    let call = IAccounts::accountCall { ofAccount: account };
    to == AT || view(memory, AT, &call).is_ok_and(|found| now >= found.frozenUntil)
}
