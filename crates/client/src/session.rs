//! Signing in at a node whose readers are members.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{ClientError, Key, Rpc};

/// A token is renewed when it lasts no longer than this.
const EARLY: Duration = Duration::from_secs(30);

/// What a node gives to who signed in.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    token: String,
    expires_at: u64,
    refresh_token: String,
}

/// For whom a connection speaks, and the tokens it has got.
#[derive(Debug)]
pub(crate) struct Session {
    key: Key,
    tokens: std::sync::Mutex<Option<Tokens>>,
}

impl Session {
    pub(crate) fn new(key: &Key) -> Arc<Self> {
        Arc::new(Self { key: key.clone(), tokens: std::sync::Mutex::default() })
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, Option<Tokens>> {
        self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Rpc {
    /// The same connection, which signs in with a key when the node asks for it.
    pub fn for_account(&self, key: &Key) -> Self {
        let mut rpc = self.clone();
        rpc.session = Some(Session::new(key));
        rpc
    }

    /// The same connection, signed in with a key: from now on it sends a token, and renews it when it must.
    ///
    /// # Errors
    /// - [`ClientError::Refused`] with 401: the key does not speak for its account now.
    /// - [`ClientError::Unexpected`]: the node asks for a signature under a text that is another site's.
    pub fn sign_in(&self, key: &Key) -> Result<Self, ClientError> {
        let rpc = self.for_account(key);
        if let Some(session) = &rpc.session {
            rpc.enter(session)?;
        }
        Ok(rpc)
    }

    /// Ends the session of this connection, if it has one.
    ///
    /// # Errors
    /// - [`ClientError::Unreachable`].
    pub fn sign_out(&self) -> Result<(), ClientError> {
        let tokens = self.session.as_ref().and_then(|session| session.tokens().take());
        let Some(tokens) = tokens else { return Ok(()) };
        let url = format!("{}/api/v1/session", self.url());
        let sent = self.agent().delete(url).header("authorization", bearer(&tokens.token)).call();
        sent.map(|_| ()).map_err(|e| self.unreachable(e))
    }

    /// The header that says who asks; `None` for whoever has not signed in.
    pub(crate) fn authorization(&self) -> Option<String> {
        let session = self.session.as_ref()?;
        let tokens = session.tokens().clone()?;
        if now() + EARLY.as_secs() < tokens.expires_at {
            return Some(bearer(&tokens.token));
        }
        let body = json!({ "refreshToken": tokens.refresh_token });
        let renewed = self.post_session("/refresh", &body).and_then(read);
        let found = renewed.ok();
        session.tokens().clone_from(&found);
        found.map(|tokens| bearer(&tokens.token))
    }

    /// Signs in because the node asked for it; false for a connection that speaks for nobody.
    pub(crate) fn answer_challenge(&self) -> Result<bool, ClientError> {
        let Some(session) = &self.session else { return Ok(false) };
        self.enter(session).map(|()| true)
    }

    fn enter(&self, session: &Session) -> Result<(), ClientError> {
        let account = session.key.address();
        let asked = self.post_session("/challenge", &json!({ "account": account }))?;
        let message = asked["message"].as_str().unwrap_or_default();
        // Signed is only what lets into this very node: another's text, handed on, would let whoever did that in
        // there.
        let place = self.url().split_once("://").map_or(self.url(), |(_, place)| place);
        let host = place.split('/').next().unwrap_or_default();
        let head =
            format!("{host} wants you to sign in with your Ethereum account:\n{account}\n\n");
        if !message.starts_with(&head) {
            return Err(crate::rpc::unexpected("/api/v1/session/challenge", &asked));
        }
        let signature = session.key.sign_message(message);
        let body = json!({ "message": message, "signature": signature });
        let tokens = read(self.post_session("", &body)?)?;
        *session.tokens() = Some(tokens);
        Ok(())
    }

    fn post_session(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        let url = format!("{}/api/v1/session{path}", self.url());
        let sent = self.agent().post(url).send_json(body);
        let mut response = sent.map_err(|e| self.unreachable(e))?;
        let status = response.status();
        let answer: Value = response.body_mut().read_json().map_err(|e| self.unreachable(e))?;
        if status.is_success() {
            return Ok(answer);
        }
        let message = answer["error"]["message"].as_str().unwrap_or("no reason given").to_owned();
        Err(ClientError::Refused { code: i64::from(status.as_u16()), message, data: None })
    }
}

fn read(answer: Value) -> Result<Tokens, ClientError> {
    Tokens::deserialize(&answer).map_err(|_| crate::rpc::unexpected("/api/v1/session", &answer))
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
