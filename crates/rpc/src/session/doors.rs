//! `/api/v1/session`: sign in, stay signed in, sign out.

use std::convert::Infallible;

use alloy_primitives::{Address, Bytes, eip191_hash_message};
use axum::{
    Extension, Json, Router,
    extract::{DefaultBodyLimit, FromRequestParts, OriginalUri, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use tulou_primitives::{MessageSignature, Signer};

use super::{
    Credential,
    challenge::Wanted,
    now,
    request::{self, REFRESH, SESSION, cookies},
    store::{ACCESS_S, Pair, REFRESH_S, Shut},
};
use crate::{
    error::RpcError,
    limits::{Caller, retry_after},
    node::Node,
    rest::Fail,
    sight::Visibility,
};

/// Bytes of a request: a text and the longest signature in hexadecimal are half of it.
const BODY: usize = 16 << 10;

/// What sessions answer to.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(node: Node) -> Router<S> {
    Router::new()
        .route("/api/v1/session", get(told).post(sign_in).delete(sign_out))
        .route("/api/v1/session/challenge", post(challenge))
        .route("/api/v1/session/refresh", post(refresh))
        .route("/api/v1/session/all", delete(sign_out_everywhere))
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(node)
}

#[derive(Deserialize)]
struct ChallengeBody {
    account: Address,
}

#[derive(Deserialize)]
struct SignInBody {
    message: String,
    signature: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefreshBody {
    refresh_token: String,
}

type Body = Result<axum::body::Bytes, BytesRejection>;

/// Reads a body.
fn read<T: DeserializeOwned>(body: Body, expected: &str) -> Result<T, Fail> {
    let bytes = body.map_err(|error| Fail::argument("body", &error.body_text(), expected))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Fail::argument("body", &format!("does not fit: {error}"), expected))
}

/// Counts an attempt of an address.
fn count(node: &Node, caller: Option<&Caller>) -> Result<(), Box<Response>> {
    let Some(caller) = caller else { return Ok(()) };
    node.gate().sign_in(caller).map_err(|too_much| {
        node.meters().limited("sign-in");
        Box::new(limited(RpcError::too_many("sign-ins from your address", "attempts", too_much)))
    })
}

fn limited(error: RpcError) -> Response {
    let wait = match &error {
        RpcError::Limited { retry_after, .. } => *retry_after,
        _ => std::time::Duration::from_secs(1),
    };
    let mut response = Fail::from(error).into_response();
    let (name, value) = retry_after(wait);
    response.headers_mut().insert(name, value);
    response
}

/// A text to sign. It reads nothing of the ledger: whoever asks learns nothing of an account.
async fn challenge(
    State(node): State<Node>,
    caller: Option<Extension<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if let Err(response) = count(&node, caller.as_deref()) {
        return *response;
    }
    let body: ChallengeBody = match read(body, r#"{"account": "0x..."}"#) {
        Ok(body) => body,
        Err(fail) => return fail.into_response(),
    };
    let Some((scheme, domain)) = request::site(&node, &headers) else {
        return Fail::argument("host", "no host is named", "the header Host").into_response();
    };
    let wanted = Wanted {
        account: body.account,
        domain: &domain,
        scheme,
        chain_id: node.chain_id,
        now: now(),
    };
    let (message, expires_at) = node.sessions().compose(wanted);
    fresh(Json(json!({ "message": message, "expiresAt": expires_at })).into_response())
}

async fn sign_in(
    State(node): State<Node>,
    caller: Option<Extension<Caller>>,
    place: Place,
    body: Body,
) -> Response {
    if let Err(response) = count(&node, caller.as_deref()) {
        return *response;
    }
    let body: SignInBody = match read(body, r#"{"message": "...", "signature": "0x..."}"#) {
        Ok(body) => body,
        Err(fail) => return fail.into_response(),
    };
    let caller = caller.map(|Extension(caller)| caller);
    let entered = node.heavy(move |node| Ok::<_, RpcError>(enter(node, caller.as_ref(), &body)));
    match entered.await {
        Ok(Ok((signer, is_member, pair))) => answer(&place, signer.account, is_member, &pair),
        Ok(Err(response)) => *response,
        Err(error) => Fail::from(error).into_response(),
    }
}

/// Judges a signed text. All that can be wrong with it has one answer, and nothing of the account is looked at
/// before the signature was found to be its own.
fn enter(
    node: &Node,
    caller: Option<&Caller>,
    body: &SignInBody,
) -> Result<(Signer, bool, Pair), Box<Response>> {
    let refused = || Box::new(refused().into_response());
    let now = now();
    let text = node.sessions().read_text(&body.message, now).ok_or_else(refused)?;
    let signature = MessageSignature::from_bytes(&body.signature).map_err(|_| refused())?;
    let hash = eip191_hash_message(&body.message);
    let signer = signature.signer(hash).map_err(|_| refused())?;
    if signer.account != text.account {
        return Err(refused());
    }
    if let Some(caller) = caller {
        // Counted after the signature, so that strangers cannot use up what an account has.
        node.gate().sign_in_of(caller, signer.account).map_err(|too_much| {
            node.meters().limited("sign-in");
            limited(RpcError::too_many("sign-ins of this account", "attempts", too_much))
        })?;
    }
    let is_member = node.judge(&signer).map_err(|_| refused())?;
    let pair = node.sessions().begin(text, signer, is_member, now).map_err(|shut| match shut {
        Shut::Refused => refused(),
        Shut::Full => Box::new(limited(RpcError::Limit(
            "server is busy: too many people sign in at this moment, try again later".into(),
        ))),
    })?;
    Ok((signer, is_member, pair))
}

async fn refresh(
    State(node): State<Node>,
    caller: Option<Extension<Caller>>,
    headers: HeaderMap,
    place: Place,
    body: Body,
) -> Response {
    if let Err(response) = count(&node, caller.as_deref()) {
        return *response;
    }
    let given: Vec<String> = match body {
        Ok(bytes) if bytes.is_empty() => cookies(&headers, REFRESH).map(str::to_owned).collect(),
        body => match read::<RefreshBody>(body, r#"{"refreshToken": "..."}, or nothing"#) {
            Ok(body) => vec![body.refresh_token],
            Err(fail) => return fail.into_response(),
        },
    };
    for text in given {
        let Some(held) = node.sessions().of_refresh(&text, now()) else { continue };
        let Some(is_member) = node.judge_session(held.id, &held.signer) else { continue };
        if let Ok(pair) = node.sessions().rotate(&held, is_member, now()) {
            return answer(&place, held.signer.account, is_member, &pair);
        }
    }
    place.forget(refused().into_response())
}

async fn told(State(node): State<Node>, credential: Option<Extension<Credential>>) -> Response {
    let found = credential.and_then(|Extension(credential)| {
        let standing = node.standing(credential)?;
        Some((standing, node.sessions().reads_until(credential.0)?))
    });
    let Some((standing, expires_at)) = found else {
        return fresh(Json(json!({ "class": Visibility::Public })).into_response());
    };
    let sessions = node.sessions().count(standing.account, now());
    let told = json!({
        "account": standing.account,
        "class": class(standing.is_member),
        "expiresAt": expires_at,
        "sessions": sessions,
    });
    fresh(Json(told).into_response())
}

/// The session of a request, by a token that reads or one that refreshes.
fn session(node: &Node, headers: &HeaderMap, found: Option<Credential>) -> Option<Credential> {
    found.or_else(|| {
        let mut given = cookies(headers, REFRESH);
        given.find_map(|text| Some(Credential(node.sessions().of_refresh(text, now())?.id)))
    })
}

async fn sign_out(
    State(node): State<Node>,
    credential: Option<Extension<Credential>>,
    headers: HeaderMap,
    place: Place,
) -> Response {
    if let Some(credential) = session(&node, &headers, credential.map(|found| found.0)) {
        node.sessions().close(credential.0);
    }
    place.forget(StatusCode::NO_CONTENT.into_response())
}

async fn sign_out_everywhere(
    State(node): State<Node>,
    credential: Option<Extension<Credential>>,
    headers: HeaderMap,
    place: Place,
) -> Response {
    let found = session(&node, &headers, credential.map(|found| found.0));
    let Some(signer) = found.and_then(|found| node.sessions().close(found.0)) else {
        let what = "signing out everywhere".to_owned();
        let needs = Visibility::Public;
        return Fail::from(RpcError::Unseen { what, needs, signed_in: false }).into_response();
    };
    node.sessions().close_all(signer.account);
    place.forget(StatusCode::NO_CONTENT.into_response())
}

fn class(is_member: bool) -> Visibility {
    if is_member { Visibility::Scope } else { Visibility::Public }
}

fn refused() -> Fail {
    Fail::sign_in_refused()
}

/// Nobody but who asked keeps an answer.
fn fresh(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn answer(place: &Place, account: Address, is_member: bool, pair: &Pair) -> Response {
    let body = json!({
        "account": account,
        "class": class(is_member),
        "token": pair.token,
        "expiresAt": pair.ends_at,
        "refreshToken": pair.refresh,
        "refreshExpiresAt": pair.refresh_ends_at,
    });
    let mut response = fresh(Json(body).into_response());
    let left = pair.refresh_ends_at.saturating_sub(now()).min(REFRESH_S);
    place.set(&mut response, SESSION, &pair.token, ACCESS_S);
    place.set(&mut response, REFRESH, &pair.refresh, left);
    response
}

/// Where a browser sends the cookies.
struct Place {
    /// Empty, or `/l/<name>` for a ledger of many.
    prefix: String,
    secure: bool,
}

impl FromRequestParts<Node> for Place {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, node: &Node) -> Result<Self, Infallible> {
        let original = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |found| &found.0);
        let prefix = original.path().strip_suffix(parts.uri.path()).unwrap_or_default().to_owned();
        let secure =
            request::site(node, &parts.headers).is_some_and(|(scheme, _)| scheme == "https");
        Ok(Self { prefix, secure })
    }
}

impl Place {
    fn set(&self, response: &mut Response, name: &str, value: &str, seconds: u64) {
        let path = if name == REFRESH { "/api/v1/session" } else { "/" };
        let secure = if self.secure { "; Secure" } else { "" };
        let cookie = format!(
            "{name}={value}; Path={}{path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}",
            self.prefix
        );
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }

    /// The answer that also takes the cookies away.
    fn forget(&self, mut response: Response) -> Response {
        self.set(&mut response, SESSION, "", 0);
        self.set(&mut response, REFRESH, "", 0);
        fresh(response)
    }
}
