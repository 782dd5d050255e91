//! The sessions of one ledger, in memory and bounded.

use std::collections::HashMap;

use alloy_primitives::{Address, FixedBytes};
use parking_lot::Mutex;
use tulou_primitives::Signer;

use super::{
    challenge::{self, Nonce, Opened, Wanted},
    token::{Secret, SessionId, Token, Use},
};

/// Seconds for which a token reads.
pub(super) const ACCESS_S: u64 = 600;
/// Seconds from the signature on for which a session can be refreshed.
pub(super) const REFRESH_S: u64 = 30 * 86_400;
/// Sessions of one account; with one more, the one that was refreshed longest ago ends.
pub(super) const PER_ACCOUNT: usize = 16;
/// Sessions of members, and of accounts that are none, in all; each kind displaces its own alone, so that
/// strangers who sign in by the thousand push no member out.
const MEMBERS: usize = 16_384;
const GUESTS: usize = 1_024;
/// Texts that were used and have not ended.
const USED: usize = 65_536;

/// Why nobody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shut {
    /// The text was used before, or the token is none, or not the newest.
    Refused,
    /// More people sign in than can be remembered.
    Full,
}

/// The two tokens of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) token: String,
    pub(super) ends_at: u64,
    pub(super) refresh: String,
    pub(super) refresh_ends_at: u64,
}

#[derive(Clone, Copy, Debug)]
struct Session {
    signer: Signer,
    is_member: bool,
    generation: u64,
    /// Until when its newest token reads.
    reads_until: u64,
    /// Until when it can be refreshed.
    lasts_until: u64,
}

/// A session by a token to refresh that was its newest a moment ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) id: SessionId,
    generation: u64,
    pub(super) signer: Signer,
}

#[derive(Default)]
struct Open {
    sessions: HashMap<SessionId, Session>,
    used: HashMap<Nonce, u64>,
}

/// Everybody who is signed in.
pub(crate) struct Sessions {
    secret: Secret,
    open: Mutex<Open>,
}

impl Sessions {
    pub(crate) fn new() -> Self {
        Self { secret: Secret::random(), open: Mutex::default() }
    }

    pub(super) fn compose(&self, wanted: Wanted<'_>) -> (String, u64) {
        challenge::compose(&self.secret, wanted)
    }

    pub(super) fn read_text(&self, text: &str, now: u64) -> Option<Opened> {
        challenge::open(&self.secret, text, now)
    }

    /// Begins a session for whoever signed a text.
    ///
    /// # Errors
    /// - [`Shut::Refused`]: the text was used before.
    /// - [`Shut::Full`].
    pub(super) fn begin(
        &self,
        text: Opened,
        signer: Signer,
        is_member: bool,
        now: u64,
    ) -> Result<Pair, Shut> {
        let mut open = self.open.lock();
        if open.used.contains_key(&text.nonce) {
            return Err(Shut::Refused);
        }
        if open.used.len() >= USED {
            open.used.retain(|_, ends_at| *ends_at > now);
            if open.used.len() >= USED {
                return Err(Shut::Full);
            }
        }
        open.used.insert(text.nonce, text.ends_at);
        open.make_room(signer.account, is_member, now);
        let id: SessionId = FixedBytes::<16>::random().0;
        let session = Session {
            signer,
            is_member,
            generation: 0,
            reads_until: now.saturating_add(ACCESS_S),
            lasts_until: now.saturating_add(REFRESH_S),
        };
        open.sessions.insert(id, session);
        Ok(self.pair(id, &session))
    }

    fn pair(&self, of: SessionId, session: &Session) -> Pair {
        let generation = session.generation;
        let token = |used_for, ends_at| Token { of, used_for, generation, ends_at };
        Pair {
            token: self.secret.write(token(Use::Access, session.reads_until)),
            ends_at: session.reads_until,
            refresh: self.secret.write(token(Use::Refresh, session.lasts_until)),
            refresh_ends_at: session.lasts_until,
        }
    }

    /// The session that a token to read names, if the token is good now.
    pub(super) fn of_access(&self, text: &str, now: u64) -> Option<SessionId> {
        let token = self.secret.read(text)?;
        let good = token.used_for == Use::Access && now < token.ends_at;
        (good && self.open.lock().sessions.contains_key(&token.of)).then_some(token.of)
    }

    /// The session that a token to refresh names. One that was used before ends the session: of the two who
    /// hold it one has stolen it, and nobody can say which.
    pub(super) fn of_refresh(&self, text: &str, now: u64) -> Option<Held> {
        let token = self.secret.read(text)?;
        if token.used_for != Use::Refresh || now >= token.ends_at {
            return None;
        }
        let mut open = self.open.lock();
        let session = open.current(token.of, token.generation)?;
        Some(Held { id: token.of, generation: token.generation, signer: session.signer })
    }

    /// The next pair of tokens.
    ///
    /// # Errors
    /// - [`Shut::Refused`]: another request was faster; the session has ended.
    pub(super) fn rotate(&self, held: &Held, is_member: bool, now: u64) -> Result<Pair, Shut> {
        let mut open = self.open.lock();
        let session = open.current(held.id, held.generation).ok_or(Shut::Refused)?;
        session.generation += 1;
        session.is_member = is_member;
        session.reads_until = now.saturating_add(ACCESS_S);
        let pair = self.pair(held.id, session);
        Ok(pair)
    }

    /// Who signed for a session that reads now.
    pub(super) fn signer(&self, id: SessionId, now: u64) -> Option<Signer> {
        let open = self.open.lock();
        open.sessions.get(&id).filter(|session| now < session.reads_until).map(|s| s.signer)
    }

    /// When the newest token of a session ends.
    pub(super) fn reads_until(&self, id: SessionId) -> Option<u64> {
        self.open.lock().sessions.get(&id).map(|session| session.reads_until)
    }

    /// Sessions of an account.
    pub(super) fn count(&self, account: Address, now: u64) -> usize {
        let open = self.open.lock();
        open.of(account).filter(|(_, session)| now < session.lasts_until).count()
    }

    /// Ends a session.
    pub(super) fn close(&self, id: SessionId) -> Option<Signer> {
        self.open.lock().sessions.remove(&id).map(|session| session.signer)
    }

    /// Ends all sessions of an account.
    pub(super) fn close_all(&self, account: Address) {
        self.open.lock().sessions.retain(|_, session| session.signer.account != account);
    }

    #[cfg(test)]
    pub(super) fn open_sessions(&self) -> usize {
        self.open.lock().sessions.len()
    }
}

impl Open {
    /// The session as long as it was refreshed so often and not more; it ends where it was.
    fn current(&mut self, id: SessionId, generation: u64) -> Option<&mut Session> {
        if self.sessions.get(&id)?.generation != generation {
            self.sessions.remove(&id);
        }
        self.sessions.get_mut(&id)
    }

    fn of(&self, account: Address) -> impl Iterator<Item = (&SessionId, &Session)> {
        self.sessions.iter().filter(move |(_, session)| session.signer.account == account)
    }

    /// Room for one more session of an account.
    fn make_room(&mut self, account: Address, is_member: bool, now: u64) {
        let oldest = |sessions: Vec<(&SessionId, &Session)>, most: usize| {
            let full = sessions.len() >= most;
            let first = sessions.into_iter().min_by_key(|(_, session)| session.reads_until);
            first.filter(|_| full).map(|(id, _)| *id)
        };
        if let Some(id) = oldest(self.of(account).collect(), PER_ACCOUNT) {
            self.sessions.remove(&id);
        }
        let most = if is_member { MEMBERS } else { GUESTS };
        let alike = self.sessions.values().filter(|s| s.is_member == is_member).count();
        if alike < most {
            return;
        }
        self.sessions.retain(|_, session| session.lasts_until > now);
        let alike = self.sessions.iter().filter(|(_, session)| session.is_member == is_member);
        if let Some(id) = oldest(alike.collect(), most) {
            self.sessions.remove(&id);
        }
    }
}
