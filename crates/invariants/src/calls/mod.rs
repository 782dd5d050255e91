//! Well-formed calls out of bytes: for every call of every module that writes, one maker of it.

use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolCall;
use tulou_modules::{address, council::ICouncil, decisions::IDecisions};
use tulou_slots::Memory;

use crate::{
    people::{DAY, MEMBERS, OWNERS, STRANGER, everybody},
    source::Source,
    world::{motion, view},
};

mod accounts;
mod council;
mod decisions;
mod funds;
mod ledgers;
mod money;
mod offices;
mod raw;
mod registry;
mod rules;
mod schedule;
mod validators;

/// One step of a sequence.
#[derive(Clone, Debug)]
pub(crate) enum Move {
    /// Time and blocks pass.
    Wait {
        /// Seconds.
        seconds: u64,
        /// Blocks.
        blocks: u64,
    },
    /// An account calls.
    Call(Call),
}

/// A call of an account.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Who calls.
    pub(crate) from: Address,
    /// The module or asset.
    pub(crate) to: Address,
    /// Calldata.
    pub(crate) input: Bytes,
}

/// Makes a call, with the ones that must come before it where it has any.
type Make = fn(&mut Gen<'_, '_>) -> Vec<Move>;

/// A call of a module and its maker.
#[derive(Clone, Copy, Debug)]
pub struct Op {
    /// Name of the module.
    pub module: &'static str,
    /// Name of the call, with `token.` before it for a call of an asset.
    pub function: &'static str,
    make: Make,
}

/// All makers, module by module.
pub fn all() -> Vec<Op> {
    [
        council::OPS,
        validators::OPS,
        rules::OPS,
        offices::OPS,
        registry::OPS,
        money::OPS,
        schedule::OPS,
        decisions::OPS,
        funds::OPS,
        ledgers::OPS,
        accounts::OPS,
    ]
    .concat()
}

macro_rules! ops {
    ($($module:literal: { $($function:literal => $make:path,)* })*) => {
        pub(super) const OPS: &[crate::calls::Op] = &[$($(
            crate::calls::Op { module: $module, function: $function, make: $make },
        )*)*];
    };
}
use ops;

/// What makers draw on: the bytes, and the world as it is.
pub(crate) struct Gen<'g, 'b> {
    pub(crate) source: &'g mut Source<'b>,
    pub(crate) memory: &'g mut Memory,
}

impl Gen<'_, '_> {
    /// The next step or steps.
    pub(crate) fn next(&mut self, ops: &[Op]) -> Vec<Move> {
        match self.source.byte() {
            0..=29 => vec![self.wait()],
            30..=37 => vec![raw::garbage(self)],
            38..=47 => vec![raw::view(self)],
            _ => {
                let op = ops[self.source.below(ops.len())];
                (op.make)(self)
            }
        }
    }

    fn wait(&mut self) -> Move {
        let now = self.now();
        let until = |at: u64| at.saturating_sub(now).min(400 * DAY);
        let seconds = match self.source.byte() {
            0..=79 => u64::from(self.source.byte()),
            80..=119 => u64::from(self.source.byte()) * 600,
            120..=139 => u64::from(self.source.byte()) % 40 * DAY,
            140..=199 => {
                let due = self.see(address::schedule, &crate::calls::schedule::next());
                until(due)
            }
            200..=229 => until(self.council_turn()),
            230..=253 => until(self.motion_turn()),
            254..=255 => 200 * DAY,
        };
        let blocks = if self.source.one_in(4) { crate::people::EPOCH } else { 1 };
        Move::Wait { seconds, blocks }
    }

    /// When the youngest proposal of the council closes or may be executed.
    fn council_turn(&mut self) -> u64 {
        let id = self.proposals();
        let Ok(found) = view(self.memory, address::council, &ICouncil::proposalCall { id }) else {
            return 0;
        };
        let turns = [found.closesAt, found.executableAt, found.lapsesAt];
        turns.into_iter().find(|at| *at > self.now()).unwrap_or(0)
    }

    /// When one of the young motions opens or closes.
    fn motion_turn(&mut self) -> u64 {
        let id = self.motions();
        let id = self.source.id(id);
        let Ok(found) = view(self.memory, address::decisions, &IDecisions::motionCall { id })
        else {
            return 0;
        };
        if found.opensAt > self.now() { found.opensAt } else { found.closesAt }
    }

    pub(crate) fn now(&self) -> u64 {
        self.memory.now
    }

    /// What a module answers; the default where it refuses.
    pub(crate) fn see<C: SolCall<Return: Default>>(&mut self, at: Address, call: &C) -> C::Return {
        view(self.memory, at, call).unwrap_or_default()
    }

    /// One of the accounts that may make a call, as a rule; at times anybody.
    pub(crate) fn by(&mut self, offices: &[Address]) -> Address {
        if self.source.one_in(10) {
            return self.anybody();
        }
        self.source.pick(offices)
    }

    pub(crate) fn anybody(&mut self) -> Address {
        let all = everybody();
        self.source.pick(&all)
    }

    /// An account, a module, an asset or nobody.
    pub(crate) fn any_address(&mut self) -> Address {
        if self.source.one_in(10) {
            let module = tulou_modules::ALL[self.source.below(tulou_modules::ALL.len())].address;
            let asset = tulou_modules::money::asset_address(1);
            return self.source.pick(&[module, asset, Address::ZERO]);
        }
        self.anybody()
    }

    /// A public text of a length that fits, or just not.
    pub(crate) fn text(&mut self, most: usize) -> String {
        let length = match self.source.byte() {
            0 => 0,
            1..=4 => most,
            5..=6 => most + 1,
            n => usize::from(n) % most.min(40) + 1,
        };
        "x".repeat(length)
    }

    pub(crate) fn hash(&mut self) -> B256 {
        B256::repeat_byte(self.source.byte())
    }

    pub(crate) fn proposals(&mut self) -> u64 {
        let call = ICouncil::proposalsCall { cursor: 0, limit: 200 };
        view(self.memory, address::council, &call).map_or(0, |all| all.items.len() as u64)
    }

    pub(crate) fn motions(&mut self) -> u64 {
        let call = IDecisions::motionsCall { state: 0, cursor: 0, limit: 200 };
        view(self.memory, address::decisions, &call).map_or(0, |all| all.items.len() as u64)
    }

    /// A call that only the council makes: as a rule through a proposal that is carried and executed, at
    /// times through one that is only proposed, or by an account that may not.
    pub(crate) fn governed(&mut self, to: Address, call: &impl SolCall) -> Vec<Move> {
        let id = self.proposals() + 1;
        self.governed_as(id, to, call)
    }

    /// The same by the number that the proposal will have.
    pub(crate) fn governed_as(&mut self, id: u64, to: Address, call: &impl SolCall) -> Vec<Move> {
        let input: Bytes = call.abi_encode().into();
        if self.source.one_in(16) {
            return vec![Move::Call(Call { from: self.anybody(), to, input })];
        }
        let (title, text_hash) = ("A change".to_owned(), self.hash());
        let propose = ICouncil::proposeCall { target: to, call: input, title, textHash: text_hash };
        let at = address::council;
        let mut moves = one(self.by(&MEMBERS[..5]), at, &propose);
        if self.source.one_in(12) {
            return moves;
        }
        for account in MEMBERS {
            let in_favour = !self.source.one_in(10);
            moves.extend(one(account, at, &ICouncil::voteCall { id, inFavour: in_favour }));
        }
        let rules = self.see(at, &ICouncil::rulesCall {});
        moves.push(Move::Wait { seconds: rules.votingSeconds, blocks: 1 });
        if self.source.one_in(10) {
            let account = self.by(&MEMBERS[..5]);
            moves.extend(one(account, at, &ICouncil::vetoCall { id, reason: "no".into() }));
        }
        let blocks = if self.source.one_in(3) { crate::people::EPOCH } else { 1 };
        moves.push(Move::Wait { seconds: rules.delaySeconds, blocks });
        moves.extend(one(STRANGER, at, &ICouncil::executeCall { id }));
        moves
    }

    /// A call that only a passed decision of the owners makes: as a rule through a motion on which the
    /// owners vote, at times by an account that may not.
    pub(crate) fn decided(&mut self, to: Address, call: &impl SolCall) -> Vec<Move> {
        let input: Bytes = call.abi_encode().into();
        if self.source.one_in(16) {
            return vec![Move::Call(Call { from: self.anybody(), to, input })];
        }
        let matter = self.source.pick(&[1, 2, 3, 9]);
        let mut proposal = motion(self.now(), matter, (1, 0, 0));
        (proposal.target, proposal.action) = (to, input);
        self.voted(proposal)
    }

    /// A motion that is announced, opened, voted on by all owners and closed.
    pub(crate) fn voted(&mut self, mut proposal: IDecisions::Proposal) -> Vec<Move> {
        let (at, id) = (address::decisions, self.motions() + 1);
        let earliest = IDecisions::earliestOpeningCall { extraordinary: false };
        let opens_at = self.see(at, &earliest);
        proposal.closesAt = opens_at.saturating_add(8 * DAY);
        let account = self.by(&[crate::people::CHAIR, crate::people::STREET]);
        let mut moves = one(account, at, &IDecisions::proposeCall { proposal });
        let seconds = opens_at.saturating_sub(self.now()).min(400 * DAY);
        moves.push(Move::Wait { seconds, blocks: 1 });
        for owner in &OWNERS[..9] {
            let choice = if self.source.one_in(12) { self.source.byte() % 5 } else { 1 };
            moves.extend(one(*owner, at, &IDecisions::castCall { motion: id, choice }));
        }
        moves.push(Move::Wait { seconds: 8 * DAY, blocks: 1 });
        let account = self.anybody();
        moves.extend(one(account, at, &IDecisions::closeCall { motion: id }));
        moves
    }
}

/// One call.
pub(crate) fn one(from: Address, to: Address, call: &impl SolCall) -> Vec<Move> {
    vec![Move::Call(Call { from, to, input: call.abi_encode().into() })]
}
