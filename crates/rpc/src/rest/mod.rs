//! `GET /api/v1/<module>/<call>`: every view of every module, derived from its ABI.
//!
//! One struct that a call returns is the answer itself, several named values are one object; names are
//! in snake case. Whole numbers of up to 32 bits are JSON numbers, longer ones text. A field that ends
//! in `_m2` is square metres with two decimals, one that ends in `_fen` whole fen. Lists take `cursor`
//! and `limit` and answer `{items, next}`. `?at=<height>` asks for an earlier state. The header
//! `x-tulou-height` says which state was read.

mod args;
mod fail;
mod names;
mod openapi;
mod shape;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use alloy_dyn_abi::{FunctionExt, JsonAbiExt};
use alloy_eips::BlockId;
use alloy_json_abi::{Function, JsonAbi, StateMutability};
use alloy_primitives::Address;
use axum::{
    Extension, Json, Router,
    extract::{Path, Query, State},
    http::{HeaderName, HeaderValue, StatusCode, Uri, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use crate::{
    Readers,
    error::RpcError,
    eth::{self, Answer},
    natspec::Notices,
    node::Node,
    session::Credential,
    sight::{Judge, Reader},
    watch::{self, Consortium},
    web,
};
pub(crate) use args::is_list;
pub(crate) use fail::Fail;
pub(crate) use shape::key;

/// Height of the state that an answer was read from.
pub(crate) const HEIGHT_HEADER: HeaderName = HeaderName::from_static("x-tulou-height");

/// A module with its parsed interface.
#[derive(Clone, Debug)]
pub(crate) struct Face {
    pub(crate) name: &'static str,
    pub(crate) address: Address,
    pub(crate) abi: JsonAbi,
}

impl Face {
    /// Calls that only read.
    pub(crate) fn views(&self) -> impl Iterator<Item = &Function> {
        self.abi.functions().filter(|function| reads(function))
    }

    /// Calls that write.
    fn writes(&self) -> impl Iterator<Item = &Function> {
        self.abi.functions().filter(|function| !reads(function))
    }
}

fn reads(function: &Function) -> bool {
    matches!(function.state_mutability, StateMutability::View | StateMutability::Pure)
}

/// Everything REST needs, computed once.
pub(crate) struct Api {
    node: Node,
    faces: Vec<Face>,
    notices: Notices,
    description: Value,
}

impl Api {
    pub(crate) fn new(node: Node) -> Self {
        let faces: Vec<_> = tulou_modules::ALL
            .iter()
            .map(|module| Face { name: module.name, address: module.address, abi: (module.abi)() })
            .collect();
        let notices = Notices::of_modules();
        let description = openapi::describe(&faces, &notices);
        Self { node, faces, notices, description }
    }

    fn judge(&self, face: &Face) -> Judge<'_> {
        Judge { notices: &self.notices, module: face.name }
    }

    fn face(&self, name: &str) -> Result<&Face, Fail> {
        let found = self.faces.iter().find(|face| face.name.eq_ignore_ascii_case(name));
        found.ok_or_else(|| {
            let names = self.faces.iter().map(|face| face.name);
            Fail::not_found("module", name, names::nearest(name, names))
        })
    }

    fn find(&self, module: &str, call: &str) -> Result<(&Face, &Function), Fail> {
        let face = self.face(module)?;
        let named =
            |function: &&Function| function.name == call || names::snake(&function.name) == call;
        match face.views().find(named) {
            Some(function) => Ok((face, function)),
            None if face.writes().any(|function| named(&function)) => {
                let mut fail = Fail::not_found("call that reads", call, Vec::new());
                fail.0.message =
                    format!("{module}.{call} writes; send it as a transaction to {}", face.address);
                Err(fail)
            }
            None => {
                let all: Vec<_> = face.views().map(|f| names::snake(&f.name)).collect();
                let near = names::nearest(&names::snake(call), all.iter().map(String::as_str));
                Err(Fail::not_found("call", &format!("{module}.{call}"), near))
            }
        }
    }

    fn index(&self) -> Value {
        let modules = self.faces.iter().map(|face| {
            let reads = face.views().map(|function| {
                let path = format!("/api/v1/{}/{}", face.name, names::snake(&function.name));
                json!({
                    "call": names::snake(&function.name),
                    "path": path,
                    "signature": function.signature(),
                    "class": self.judge(face).call(function),
                })
            });
            json!({
                "name": face.name,
                "address": face.address,
                "abi": format!("/abi/{}.json", face.name),
                "about": self.notices.get(face.name, "interface", &interface(face.name)),
                "reads": reads.collect::<Vec<_>>(),
                "writes": face.writes().map(Function::signature).collect::<Vec<_>>(),
            })
        });
        json!({ "openapi": "/api/v1/openapi.json", "modules": modules.collect::<Vec<_>>() })
    }
}

/// `decisions` is described by `IDecisions`.
fn interface(module: &str) -> String {
    let mut chars = module.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    core::iter::once('I').chain(first).chain(chars).collect()
}

/// The paths of REST and of the ABIs.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(api: Arc<Api>) -> Router<S> {
    Router::new()
        .route("/api/v1", get(index))
        .route("/api/v1/", get(index))
        .route("/api/v1/openapi.json", get(description))
        .route("/api/v1/node/consortium", get(consortium))
        .route("/api/v1/node/web", get(web::told))
        .route("/api/v1/{module}", get(module))
        .route("/api/v1/{module}/{call}", get(call))
        .route("/api/{*rest}", get(nothing))
        .route("/abi", get(abis))
        .route("/abi/", get(abis))
        .route("/abi/index.json", get(abis))
        .route("/abi/{file}", get(abi))
        .with_state(api)
}

async fn index(State(api): State<Arc<Api>>) -> Json<Value> {
    Json(api.index())
}

async fn consortium(State(api): State<Arc<Api>>) -> Json<Consortium> {
    Json(watch::consortium(&api.node))
}

async fn description(State(api): State<Arc<Api>>) -> Json<Value> {
    Json(api.description.clone())
}

async fn module(State(api): State<Arc<Api>>, Path(name): Path<String>) -> Response {
    let found = api.face(&name).map(|face| {
        let all = api.index();
        let mut rows = all["modules"].as_array().cloned().unwrap_or_default().into_iter();
        Json(rows.find(|row| row["name"] == face.name).unwrap_or_default())
    });
    found.into_response()
}

async fn nothing(uri: Uri) -> Fail {
    Fail::not_found("page", uri.path(), vec!["/api/v1".into()])
}

/// Where every module's ABI is, for explorers and for tools that know signatures.
async fn abis(State(api): State<Arc<Api>>) -> Json<Value> {
    let rows = api.faces.iter().map(|face| {
        let file = format!("/abi/{}.json", face.name);
        json!({ "name": face.name, "address": face.address, "abi": file })
    });
    Json(rows.collect())
}

async fn abi(State(api): State<Arc<Api>>, Path(file): Path<String>) -> Response {
    let name = file.strip_suffix(".json").unwrap_or(&file);
    let name = name.strip_prefix('I').filter(|_| api.face(name).is_err()).unwrap_or(name);
    api.face(name).map(|face| Json(face.abi.clone())).into_response()
}

async fn call(
    State(api): State<Arc<Api>>,
    Path((module, call)): Path<(String, String)>,
    credential: Option<Extension<Credential>>,
    query: Result<Query<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(pairs)) = query else {
        return Fail::argument("query", "cannot be read", "name=value pairs joined by &")
            .into_response();
    };
    let node = api.node.clone();
    let is_personal = node.config.readers == Readers::Members;
    let answer = node
        .heavy(move |node| {
            let reader = Reader::of(node, credential.as_deref());
            answer(&api, node, reader, (&module, &call), &pairs)
        })
        .await;
    match answer {
        Ok((height, body)) => {
            let mut response = (StatusCode::OK, Json(body)).into_response();
            response.headers_mut().insert(HEIGHT_HEADER, HeaderValue::from(height));
            if is_personal {
                // What one person may see is not kept for the next.
                let never = HeaderValue::from_static("no-store");
                response.headers_mut().insert(CACHE_CONTROL, never);
            }
            response
        }
        Err(fail) => fail.into_response(),
    }
}

/// Height and body of an answer, with null for what the reader may not see of it.
fn answer(
    api: &Api,
    node: &Node,
    reader: Reader,
    (module, call): (&str, &str),
    pairs: &[(String, String)],
) -> Result<(u64, Value), Fail> {
    let (face, function) = api.find(module, call)?;
    let judge = api.judge(face);
    reader.see(judge.least(function), || format!("{}.{}", face.name, function.name))?;
    let own_at = function.inputs.iter().any(|param| param.name == "at");
    let reserved: &[&str] = if own_at { &[] } else { &["at"] };
    let values = args::read(function, pairs, reserved)?;
    let at = pairs.iter().find(|(name, _)| reserved.contains(&name.as_str()));
    let block = at.map(|(_, text)| height(text)).transpose()?;
    let state = node.state(block)?;
    let fault = |error: alloy_dyn_abi::Error| Fail::from(RpcError::Fault(error.to_string()));
    let input = function.abi_encode_input(&values).map_err(fault)?;
    match eth::view(node, &state, face.address, input.into())? {
        Answer::Output(output) => {
            let values = function.abi_decode_output(&output).map_err(fault)?;
            let mut body = shape::answer(&values, &function.outputs, is_list(function));
            if judge.call(function) > reader.most {
                judge.mask(function, &mut body, reader.most);
            }
            Ok((state.height(), body))
        }
        Answer::Refused(data) => {
            let abis: Vec<_> = api.faces.iter().map(|face| (face.name, &face.abi)).collect();
            let refusal = fail::refusal(&data, face.name, &abis, &api.notices);
            Err(Fail::refused(refusal, &data))
        }
    }
}

fn height(text: &str) -> Result<BlockId, Fail> {
    let height = text.parse::<u64>();
    height.map(BlockId::number).map_err(|_| {
        Fail::argument("at", &format!("{text:?} does not fit"), "the height of a block")
    })
}
