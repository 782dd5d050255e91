//! What REST says when it cannot answer.

use alloy_dyn_abi::JsonAbiExt;
use alloy_json_abi::{Error as AbiError, JsonAbi};
use alloy_primitives::{B256, hex};
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{names, shape};
use crate::{
    error::{RpcError, unseen_name},
    eth,
    natspec::Notices,
    sight::Visibility,
};

/// An answer that is not the one hoped for: `{"error": {code, name, message, data}}`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fail(pub(crate) Box<Parts>);

/// What a [`Fail`] says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parts {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// What kind of failure it is, for programs: `bad_argument`, `not_found`, `refused`...
    pub(crate) code: &'static str,
    /// Name of the refusal, or of what was not found.
    pub(crate) name: String,
    /// For people.
    pub(crate) message: String,
    /// Details by name.
    pub(crate) data: Map<String, Value>,
}

impl IntoResponse for Fail {
    fn into_response(self) -> Response {
        let Parts { status, code, name, message, data } = *self.0;
        let body = json!({
            "error": { "code": code, "name": name, "message": message, "data": data }
        });
        (status, Json(body)).into_response()
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

impl Fail {
    fn new(parts: Parts) -> Self {
        Self(Box::new(parts))
    }

    /// An argument that cannot be read.
    pub(crate) fn argument(name: &str, problem: &str, expected: &str) -> Self {
        Self::new(Parts {
            status: StatusCode::BAD_REQUEST,
            code: "bad_argument",
            name: name.to_owned(),
            message: format!("argument \"{name}\": {problem}; expected {expected}"),
            data: object(json!({ "argument": name, "problem": problem, "expected": expected })),
        })
    }

    /// An argument that the call does not have.
    pub(crate) fn unknown_argument(name: &str, known: &[String]) -> Self {
        let known_text = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Self::argument(name, "not an argument of this call", &format!("one of: {known_text}"))
    }

    /// A module, call or page that does not exist.
    pub(crate) fn not_found(what: &str, name: &str, suggestions: Vec<String>) -> Self {
        let hint = match suggestions.as_slice() {
            [] => "see /api/v1".to_owned(),
            some => format!("did you mean {}?", some.join(", ")),
        };
        Self::new(Parts {
            status: StatusCode::NOT_FOUND,
            code: "not_found",
            name: name.to_owned(),
            message: format!("there is no {what} \"{name}\"; {hint}"),
            data: object(json!({ "suggestions": suggestions })),
        })
    }

    /// A sign-in that was refused, for whatever reason.
    pub(crate) fn sign_in_refused() -> Self {
        Self::new(Parts {
            status: StatusCode::UNAUTHORIZED,
            code: "unseen",
            name: "signInRefused".to_owned(),
            message: "the sign-in was refused: the text has ended, was used before or is not this node's, or the \
                      signature is not one that speaks for the account now; ask for a new text and sign that"
                .to_owned(),
            data: Map::new(),
        })
    }

    /// The same with another status.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// A refusal of the module, in its own words.
    pub(crate) fn refused(refusal: Refusal, data: &[u8]) -> Self {
        let Refusal { name, message, fields } = refusal;
        let mut all = fields;
        all.insert("revert".into(), Value::String(hex::encode_prefixed(data)));
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self::new(Parts { status, code: "refused", name, message, data: all })
    }
}

impl From<RpcError> for Fail {
    fn from(error: RpcError) -> Self {
        let (status, code) = match &error {
            RpcError::Params(_) => (StatusCode::BAD_REQUEST, "bad_argument"),
            RpcError::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            RpcError::Limit(_) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            RpcError::Limited { .. } => (StatusCode::TOO_MANY_REQUESTS, "limited"),
            RpcError::NotLetIn => (StatusCode::FORBIDDEN, "not_let_in"),
            RpcError::Unseen { needs, signed_in: false, .. } if *needs < Visibility::Private => {
                (StatusCode::UNAUTHORIZED, "unseen")
            }
            RpcError::Unseen { .. } => (StatusCode::FORBIDDEN, "unseen"),
            RpcError::Refusing(_) => (StatusCode::SERVICE_UNAVAILABLE, "refusing"),
            RpcError::Call(_) | RpcError::Revert { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "refused")
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "fault"),
        };
        let name = match &error {
            RpcError::Unseen { needs, signed_in, .. } => unseen_name(*needs, *signed_in).to_owned(),
            _ => String::new(),
        };
        let message = error.to_string();
        let data = error.data().map(object).unwrap_or_default();
        Self::new(Parts { status, code, name, message, data })
    }
}

/// A typed refusal in words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) name: String,
    pub(crate) message: String,
    pub(crate) fields: Map<String, Value>,
}

/// Decodes a module's refusal with the errors of its own ABI and those that all modules share.
pub(crate) fn refusal(
    data: &[u8],
    module: &str,
    abis: &[(&str, &JsonAbi)],
    notices: &Notices,
) -> Refusal {
    let selector = data.get(..4).unwrap_or_default();
    let own = abis.iter().filter(|(name, _)| *name == module);
    let others = abis.iter().filter(|(name, _)| *name != module);
    for (name, abi) in own.chain(others) {
        if let Some(error) = abi.errors().find(|error| error.selector() == selector)
            && let Some(refusal) = typed(data, name, error, notices)
        {
            return refusal;
        }
    }
    let message = match (data.is_empty(), eth::reason(data)) {
        (true, _) => "the call was refused without a reason".to_owned(),
        (false, Some(reason)) => reason,
        (false, None) => "the call was refused for a reason that is not known here".to_owned(),
    };
    Refusal { name: String::new(), message, fields: Map::new() }
}

fn typed(data: &[u8], module: &str, error: &AbiError, notices: &Notices) -> Option<Refusal> {
    let decoded = error.abi_decode_input(&data[4..]).ok()?;
    let fields = shape::fields(&decoded, &error.inputs);
    let said = notices.get(module, "error", &error.name);
    let said =
        said.map_or_else(|| names::words(&error.name), |said| said.trim_end_matches('.').into());
    let details: Vec<_> = fields.iter().map(|(name, value)| detail(name, value)).collect();
    let message =
        if details.is_empty() { said } else { format!("{said} ({})", details.join(", ")) };
    Some(Refusal { name: error.name.clone(), message, fields })
}

fn detail(name: &str, value: &Value) -> String {
    let name = name.replace('_', " ");
    match value {
        Value::String(text) if text.parse::<B256>().is_ok() => format!("{name} {}...", &text[..10]),
        Value::String(text) => format!("{name} {text}"),
        other => format!("{name} {other}"),
    }
}
