//! The text that is signed: EIP-4361, whose form wallets know and show.
//!
//! The node keeps no text that it gave out. The nonce holds the text's end and its seal, so that anybody may ask
//! for as many as the limits allow without taking memory; only nonces that were used are remembered, until they
//! would have ended.

use alloy_primitives::{Address, hex};
use time::OffsetDateTime;

use super::token::{SEAL, Secret};

/// Seconds in which a text may be signed and brought back.
pub(super) const LASTS: u64 = 300;
/// What the person agrees to. ASCII, as the standard wants it.
const STATEMENT: &str =
    "Sign in to read the book of this estate. This sends no transaction and moves nothing.";

/// The part of the nonce before its seal: end and random bytes.
pub(super) type Nonce = [u8; 24];

/// For whom and from where a text is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) account: Address,
    /// Host and port of the site.
    pub(super) domain: &'a str,
    /// `https` or `http`.
    pub(super) scheme: &'a str,
    pub(super) chain_id: u64,
    /// Seconds since 1970.
    pub(super) now: u64,
}

/// A text that this process gave out and that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) account: Address,
    pub(super) nonce: Nonce,
    pub(super) ends_at: u64,
}

/// A new text, and the first second in which it is good for nothing.
pub(super) fn compose(secret: &Secret, wanted: Wanted<'_>) -> (String, u64) {
    let Wanted { account, domain, scheme, chain_id, now } = wanted;
    let ends_at = now.saturating_add(LASTS);
    let mut nonce = Nonce::default();
    nonce[..8].copy_from_slice(&ends_at.to_be_bytes());
    nonce[8..].copy_from_slice(alloy_primitives::FixedBytes::<16>::random().as_slice());
    let nonce = hex::encode(nonce);
    let (issued, ends) = (rfc3339(now), rfc3339(ends_at));
    let before = format!(
        "{domain} wants you to sign in with your Ethereum account:\n{account}\n\n{STATEMENT}\n\n\
         URI: {scheme}://{domain}\nVersion: 1\nChain ID: {chain_id}\nNonce: {nonce}"
    );
    let after = format!("\nIssued At: {issued}\nExpiration Time: {ends}");
    let seal = hex::encode(secret.seal(format!("{before}{after}").as_bytes()));
    (format!("{before}{seal}{after}"), ends_at)
}

/// Reads a text that comes back; `None` where this process did not give out exactly this one, or it has ended.
pub(super) fn open(secret: &Secret, text: &str, now: u64) -> Option<Opened> {
    let at = text.find("\nNonce: ")? + "\nNonce: ".len();
    let (digits, seals) = (2 * size_of::<Nonce>(), 2 * SEAL);
    let (nonce, rest) = text.get(at..)?.split_at_checked(digits)?;
    let (seal, after) = rest.split_at_checked(seals)?;
    let told = [text.get(..at)?, nonce, after].concat();
    if !secret.is_seal(told.as_bytes(), &hex::decode(seal).ok()?) {
        return None;
    }
    let nonce: Nonce = hex::decode(nonce).ok()?.try_into().ok()?;
    let ends_at = u64::from_be_bytes(*nonce.first_chunk::<8>()?);
    let account = text.lines().nth(1)?.parse().ok()?;
    (now < ends_at).then_some(Opened { account, nonce, ends_at })
}

fn rfc3339(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|s| OffsetDateTime::from_unix_timestamp(s).ok());
    let at = at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, time) = (at.date(), at.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}
