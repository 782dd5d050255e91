//! Any sequence of sign-ins, changed texts, changed tokens, refreshes and ends keeps what sessions promise: for
//! the property test and for the fuzzer, which writes the sequences.

use alloy_primitives::{Address, B256};
use tulou_primitives::{MessageSignature, Signer, Suite};

use super::{
    challenge::Wanted,
    store::{PER_ACCOUNT, Pair, Sessions},
    token::SessionId,
};

/// Accounts that sign in.
const ACCOUNTS: u8 = 3;
/// Longest step of the clock in one act, in units of the script's byte.
const STEP_S: u64 = 97;

/// The bytes that decide what happens; at their end nothing happens any more.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// As many bytes as the next one says, or what is left.
    fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = usize::from(self.byte()?).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(taken.to_vec())
    }

    fn pick<T>(&mut self, from: &[T]) -> Option<usize> {
        let byte = usize::from(self.byte()?);
        byte.checked_rem(from.len())
    }
}

/// A text that was given out.
struct Given {
    text: String,
    account: Address,
    ends_at: u64,
    used: bool,
}

/// A pair of tokens, of a session by its place in the list.
struct Handed {
    pair: Pair,
    session: usize,
    generation: u64,
}

/// What a session should be.
struct Expected {
    id: SessionId,
    account: Address,
    generation: u64,
    lives: bool,
}

struct Play {
    sessions: Sessions,
    now: u64,
    given: Vec<Given>,
    handed: Vec<Handed>,
    expected: Vec<Expected>,
}

/// Plays a script.
///
/// # Errors
/// The promise that was broken.
pub(crate) fn play(script: &[u8]) -> Result<(), String> {
    let mut script = Script(script);
    let mut play = Play {
        sessions: Sessions::new(),
        now: 1_800_000_000,
        given: Vec::new(),
        handed: Vec::new(),
        expected: Vec::new(),
    };
    while play.act(&mut script)?.is_some() {}
    Ok(())
}

fn hold(promise: bool, what: &str) -> Result<(), String> {
    if promise { Ok(()) } else { Err(what.to_owned()) }
}

impl Play {
    /// One act; `None` when the script has ended.
    fn act(&mut self, script: &mut Script<'_>) -> Result<Option<()>, String> {
        let Some(which) = script.byte() else { return Ok(None) };
        match which % 10 {
            0 => self.ask(script),
            1 => self.sign_in(script),
            2 => self.change_text(script),
            3 => self.anything(script),
            4 => self.change_token(script),
            5 => self.refresh(script),
            6 => self.read(script),
            7 => {
                let Some(steps) = script.byte() else { return Ok(None) };
                self.now += u64::from(steps) * STEP_S;
                Ok(Some(()))
            }
            8 => Ok(self.end(script)),
            _ => Ok(strange_signature(script)),
        }
    }

    fn ask(&mut self, script: &mut Script<'_>) -> Result<Option<()>, String> {
        let Some(account) = script.byte() else { return Ok(None) };
        let account = Address::repeat_byte(account % ACCOUNTS);
        let Some(domain) = script.bytes() else { return Ok(None) };
        // What a host may be made of: whatever else comes is refused at the door.
        let domain: String = domain.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        let (now, chain_id) = (self.now, 7);
        let wanted = Wanted { account, domain: &domain, scheme: "https", chain_id, now };
        let (text, ends_at) = self.sessions.compose(wanted);
        self.given.push(Given { text, account, ends_at, used: false });
        Ok(Some(()))
    }

    fn sign_in(&mut self, script: &mut Script<'_>) -> Result<Option<()>, String> {
        let Some(i) = script.pick(&self.given) else { return Ok(None) };
        let given = &mut self.given[i];
        let read = self.sessions.read_text(&given.text, self.now);
        hold(read.is_some() == (self.now < given.ends_at), "a text is good until it ends")?;
        let Some(opened) = read else { return Ok(Some(())) };
        hold(opened.account == given.account, "a text is of the account that asked for it")?;
        // Above it the oldest goes, which is not played here.
        let full = self.expected.len() >= PER_ACCOUNT;
        if full && !given.used {
            return Ok(Some(()));
        }
        let signer = Signer { account: given.account, key: None, suite: Suite::Secp256k1 };
        let begun = self.sessions.begin(opened, signer, true, self.now);
        hold(begun.is_ok() != given.used, "a text signs in once")?;
        given.used = true;
        let Ok(pair) = begun else { return Ok(Some(())) };
        let id = self.sessions.of_access(&pair.token, self.now);
        let id = id.ok_or("a new token reads")?;
        let (account, session) = (given.account, self.expected.len());
        self.expected.push(Expected { id, account, generation: 0, lives: true });
        self.handed.push(Handed { pair, session, generation: 0 });
        Ok(Some(()))
    }

    fn change_text(&self, script: &mut Script<'_>) -> Result<Option<()>, String> {
        let Some(i) = script.pick(&self.given) else { return Ok(None) };
        let text = &self.given[i].text;
        let Some(changed) = changed(script, text) else { return Ok(None) };
        // Digits of the seal are read in either case.
        let same = changed.eq_ignore_ascii_case(text);
        let read = self.sessions.read_text(&changed, self.now);
        hold(same || read.is_none(), "a text that was changed is none")?;
        Ok(Some(()))
    }

    fn change_token(&self, script: &mut Script<'_>) -> Result<Option<()>, String> {
        let Some(i) = script.pick(&self.handed) else { return Ok(None) };
        let pair = &self.handed[i].pair;
        for token in [&pair.token, &pair.refresh] {
            let Some(changed) = changed(script, token) else { return Ok(None) };
            if changed != *token {
                self.is_nothing(&changed)?;
            }
        }
        hold(self.sessions.of_refresh(&pair.token, self.now).is_none(), "to read, not to refresh")?;
        hold(
            self.sessions.of_access(&pair.refresh, self.now).is_none(),
            "to refresh, not to read",
        )?;
        Ok(Some(()))
    }

    fn anything(&self, script: &mut Script<'_>) -> Result<Option<()>, String> {
        let Some(bytes) = script.bytes() else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes);
        self.is_nothing(&text)?;
        let framed = format!("a\nb\nNonce: {text}");
        hold(self.sessions.read_text(&framed, self.now).is_none(), "no text was given out")?;
        Ok(Some(()))
    }

    fn is_nothing(&self, text: &str) -> Result<(), String> {
        hold(self.sessions.of_access(text, self.now).is_none(), "no token to read")?;
        hold(self.sessions.of_refresh(text, self.now).is_none(), "no token to refresh")?;
        hold(self.sessions.read_text(text, self.now).is_none(), "no text was given out")
    }

    fn refresh(&mut self, script: &mut Script<'_>) -> Result<Option<()>, String> {
        let (Some(i), Some(thief)) = (script.pick(&self.handed), script.byte()) else {
            return Ok(None);
        };
        let Handed { pair, session, generation } = &self.handed[i];
        let (session, generation) = (*session, *generation);
        let expected = &mut self.expected[session];
        let (in_time, newest) =
            (self.now < pair.refresh_ends_at, expected.generation == generation);
        let held = self.sessions.of_refresh(&pair.refresh, self.now);
        let good = expected.lives && in_time && newest;
        hold(held.is_some() == good, "the newest token to refresh is good, and no other")?;
        // Of two who hold one token, one has stolen it.
        expected.lives &= newest || !in_time;
        let Some(held) = held else { return Ok(Some(())) };
        hold(held.id == expected.id, "a token to refresh is of its own session")?;
        let next = self.sessions.rotate(&held, true, self.now);
        let pair = next.map_err(|_| "a good token refreshes".to_owned())?;
        expected.generation += 1;
        if thief % 4 == 0 {
            hold(self.sessions.rotate(&held, true, self.now).is_err(), "and does so once")?;
            expected.lives = false;
        }
        self.handed.push(Handed { pair, session, generation: generation + 1 });
        Ok(Some(()))
    }

    fn read(&self, script: &mut Script<'_>) -> Result<Option<()>, String> {
        let Some(i) = script.pick(&self.handed) else { return Ok(None) };
        let Handed { pair, session, .. } = &self.handed[i];
        let expected = &self.expected[*session];
        let read = self.sessions.of_access(&pair.token, self.now);
        let good = expected.lives && self.now < pair.ends_at;
        hold(read == good.then_some(expected.id), "a token reads until it or its session ends")?;
        Ok(Some(()))
    }

    fn end(&mut self, script: &mut Script<'_>) -> Option<()> {
        let everywhere = script.byte()? % 2 == 0;
        let i = script.pick(&self.expected)?;
        let (id, account) = (self.expected[i].id, self.expected[i].account);
        if everywhere {
            self.sessions.close_all(account);
            let own = self.expected.iter_mut().filter(|other| other.account == account);
            own.for_each(|other| other.lives = false);
        } else {
            self.sessions.close(id);
            self.expected[i].lives = false;
        }
        Some(())
    }
}

/// A text with one byte as the script says; where that is no text any more, without its last character.
fn changed(script: &mut Script<'_>, text: &str) -> Option<String> {
    let at = usize::from(script.byte()?) * 256 + usize::from(script.byte()?);
    let to = script.byte()?;
    let mut bytes = text.as_bytes().to_vec();
    let at = at.checked_rem(bytes.len())?;
    bytes[at] = to;
    Some(String::from_utf8(bytes).unwrap_or_else(|_| text[..text.len() - 1].to_owned()))
}

/// Bytes that should be a signature have a signer or none.
fn strange_signature(script: &mut Script<'_>) -> Option<()> {
    let bytes = script.bytes()?;
    if let Ok(signature) = MessageSignature::from_bytes(&bytes) {
        let _ = signature.signer(B256::repeat_byte(7));
    }
    Some(())
}
