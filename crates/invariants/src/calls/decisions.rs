use tulou_modules::{
    registry::IRegistry,
    roles::IRoles::{self, Office},
};

use super::*;
use crate::people::{CHAIR, COMMITTEE, COUNTERS, STREET, payee};

ops! { "decisions": {
    "propose" => propose,
    "cancel" => cancel,
    "open" => open,
    "cast" => cast,
    "castFor" => cast_for,
    "recordPaper" => record_paper,
    "confirmPaper" => confirm_paper,
    "close" => close,
} }

const AT: Address = address::decisions;

/// A proposal at, just inside or just outside its limits; every third is voted through.
fn propose(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let matter = g.source.pick(&[5, 5, 9, 1, 6, 7, 8, 0, 10]);
    let scopes = [(1, 0, 0), (2, 1, 0), (3, 1, 2), (2, 2, 0), (2, 7, 0), (3, 2, 0), (0, 0, 0)];
    let now = g.now();
    let mut proposal = motion(now, matter, g.source.pick(&scopes));
    if matter == 5 || matter == 9 {
        proposal.budgetFen = g.source.amount(&[crate::world::BUDGET, 500_000, 50_000]);
        if g.source.one_in(4) {
            proposal.payeeHash = payee(g.source.below(2));
        }
    }
    if g.source.one_in(5) {
        proposal.target = g.any_address();
        let term = now + 500 * DAY;
        let grant = IRoles::grantCall {
            office: Office::Member,
            holder: g.anybody(),
            fromAt: 0,
            untilAt: term,
            basis: g.hash(),
        };
        proposal.action = grant.abi_encode().into();
        if g.source.one_in(2) {
            proposal.target = address::roles;
        }
    }
    if g.source.one_in(2) {
        return g.voted(proposal);
    }
    proposal.extraordinary = g.source.one_in(3);
    let call = IDecisions::earliestOpeningCall { extraordinary: proposal.extraordinary };
    let earliest = g.see(AT, &call);
    proposal.opensAt = g.source.time(&[earliest, earliest, earliest + 5 * DAY]);
    proposal.closesAt =
        g.source.time(&[earliest + 8 * DAY, earliest + 30 * DAY, earliest + 60 * DAY]);
    one(
        g.by(&[CHAIR, STREET, COMMITTEE[0], COMMITTEE[1]]),
        AT,
        &IDecisions::proposeCall { proposal },
    )
}

/// A motion, rather one in this state where there is any.
fn in_state(g: &mut Gen<'_, '_>, state: IDecisions::MotionState) -> u64 {
    let call = IDecisions::motionsCall { state: state as u8, cursor: 0, limit: 200 };
    let found = g.see(AT, &call).items;
    if found.is_empty() || g.source.one_in(8) {
        let count = g.motions();
        return g.source.id(count);
    }
    found[g.source.below(found.len())].id
}

/// A motion that is open; where none is, one is announced and opens.
fn opened(g: &mut Gen<'_, '_>) -> (Vec<Move>, u64) {
    let state = IDecisions::MotionState::Open as u8;
    let call = IDecisions::motionsCall { state, cursor: 0, limit: 200 };
    if !g.see(AT, &call).items.is_empty() || g.source.one_in(6) {
        return (Vec::new(), in_state(g, IDecisions::MotionState::Open));
    }
    let (id, proposal) = (g.motions() + 1, motion(g.now(), 5, (1, 0, 0)));
    let mut moves = one(CHAIR, AT, &IDecisions::proposeCall { proposal });
    moves.push(Move::Wait { seconds: 17 * DAY, blocks: 1 });
    (moves, id)
}

fn cancel(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (motion, reason) = (in_state(g, IDecisions::MotionState::Noticed), g.hash());
    one(g.by(&[CHAIR, STREET]), AT, &IDecisions::cancelCall { motion, reasonHash: reason })
}

fn open(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let motion = in_state(g, IDecisions::MotionState::Noticed);
    one(g.anybody(), AT, &IDecisions::openCall { motion })
}

fn close(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let motion = in_state(g, IDecisions::MotionState::Closed);
    one(g.anybody(), AT, &IDecisions::closeCall { motion })
}

fn choice(g: &mut Gen<'_, '_>) -> u8 {
    g.source.pick(&[1, 1, 1, 1, 2, 2, 3, 3, 0, 4])
}

/// A ballot while voting is open, at times at the last second or at the close.
fn cast(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let ((mut moves, id), choice) = (opened(g), choice(g));
    if g.source.one_in(4) {
        // One that was just announced closes eight days after its opening.
        let found = view(g.memory, AT, &IDecisions::motionCall { id });
        let left = found.map_or(8 * DAY, |motion| motion.closesAt.saturating_sub(g.now()));
        let early = g.source.pick(&[0, 0, 1]);
        moves.push(Move::Wait { seconds: left.min(100 * DAY).saturating_sub(early), blocks: 1 });
    }
    moves.extend(one(g.by(&OWNERS), AT, &IDecisions::castCall { motion: id, choice }));
    moves
}

/// Heads of an account now; they are those of the roll as a rule.
fn heads(g: &mut Gen<'_, '_>, account: Address) -> Vec<B256> {
    let call = IRegistry::headsOfCall { account };
    let found: Vec<IRegistry::HeadWeight> = g.see(address::registry, &call);
    found.into_iter().map(|weight| weight.head).collect()
}

fn head(g: &mut Gen<'_, '_>, account: Address) -> B256 {
    let heads = heads(g, account);
    if heads.is_empty() || g.source.one_in(16) { g.hash() } else { g.source.pick(&heads) }
}

fn cast_for(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let ((mut moves, motion), choice) = (opened(g), choice(g));
    let account = g.source.pick(&OWNERS);
    let head = head(g, account);
    moves.extend(one(g.by(&[account]), AT, &IDecisions::castForCall { motion, head, choice }));
    moves
}

/// Head, choice and hash of a paper ballot.
fn paper(g: &mut Gen<'_, '_>) -> (B256, u8, B256) {
    let (choice, account) = (choice(g), g.source.pick(&OWNERS));
    (head(g, account), choice, B256::repeat_byte(g.source.byte() % 2))
}

fn record_paper(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let ((mut moves, motion), (head, choice, evidence)) = (opened(g), paper(g));
    let call = IDecisions::recordPaperCall { motion, head, choice, evidenceHash: evidence };
    moves.extend(one(g.by(&COUNTERS), AT, &call));
    moves
}

/// Both readings, as a rule alike and by two counters.
fn confirm_paper(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let ((mut moves, motion), (head, choice, evidence)) = (opened(g), paper(g));
    if !g.source.one_in(4) {
        let call = IDecisions::recordPaperCall { motion, head, choice, evidenceHash: evidence };
        moves.extend(one(COUNTERS[0], AT, &call));
    }
    let choice = if g.source.one_in(6) { 2 } else { choice };
    let call = IDecisions::confirmPaperCall { motion, head, choice, evidenceHash: evidence };
    moves.extend(one(g.by(&[COUNTERS[1], COUNTERS[1], COUNTERS[0]]), AT, &call));
    moves
}
