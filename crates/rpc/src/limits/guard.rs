//! What every HTTP request passes first.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::{ConnectInfo, Request, State, connect_info::Connected},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    serve::IncomingStream,
};
use jsonrpsee::types::{ErrorObjectOwned, Id, Response as RpcResponse, ResponsePayload};

use super::{Caller, Class, retry_after};
use crate::{error::RpcError, listener::Bounded, node::Node, rest::Fail, session};

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Connected<IncomingStream<'_, Bounded>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// Which part of the server a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// JSON-RPC over HTTP or WebSocket.
    Rpc,
    /// A read by name.
    Rest,
    /// Signing in and out.
    Session,
    /// Interfaces and descriptions.
    Docs,
    /// The node's own state.
    Node,
    /// Whether the process lives and is ready.
    Health,
    /// Figures for a monitoring system.
    Metrics,
    /// The web app.
    Files,
}

impl Door {
    pub(crate) fn of(request: &Request) -> Self {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let upgrades = request.headers().contains_key(header::SEC_WEBSOCKET_KEY);
        match request.uri().path() {
            "/rpc" | "/ws" => Self::Rpc,
            "" | "/" if upgrades || !reads => Self::Rpc,
            "/healthz" | "/readyz" => Self::Health,
            "/metrics" => Self::Metrics,
            "/api/v1/node/consortium" => Self::Node,
            "/api/v1" | "/api/v1/" | "/api/v1/openapi.json" => Self::Docs,
            "/api/v1/session" => Self::Session,
            path if path.starts_with("/api/v1/session/") => Self::Session,
            path if path.starts_with("/api/") => Self::Rest,
            path if path.starts_with("/abi/") => Self::Docs,
            _ => Self::Files,
        }
    }

    /// Its name in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rpc => "rpc",
            Self::Rest => "rest",
            Self::Session => "session",
            Self::Docs => "docs",
            Self::Node => "node",
            Self::Health => "health",
            Self::Metrics => "metrics",
            Self::Files => "files",
        }
    }

    /// What the request itself costs; the calls in it cost their own.
    fn units(self) -> u32 {
        match self {
            Self::Health => 0,
            Self::Rpc | Self::Node | Self::Files | Self::Docs => 1,
            Self::Rest | Self::Session => Class::Execute.units(),
            Self::Metrics => Class::Search.units(),
        }
    }

    /// Whether it shows or changes the book, which a node with damaged data must not.
    fn is_the_book(self) -> bool {
        matches!(self, Self::Rest | Self::Session)
    }
}

/// Lets a request in or answers why not, and counts it.
pub(crate) async fn guard(State(node): State<Node>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let door = Door::of(&request);
    // Without connection details the request comes from this process itself.
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|info| info.0.0);
    let peer = peer.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    let caller = node.gate().caller(peer, request.headers());
    let response = match refusal(&node, door, &caller) {
        Some(refusal) => refusal,
        None => match node.bodies().reserve(&request, node.config.request_bytes) {
            Some(_room) => {
                request.extensions_mut().insert(caller.clone());
                if let Some(credential) = session::credential(&node, request.headers()) {
                    request.extensions_mut().insert(credential);
                }
                settled(next.run(request).await, door, &caller)
            }
            None => no_room(&node, door),
        },
    };
    let code = response.status().as_u16();
    node.meters().request(node.label(), door, code, begun.elapsed());
    response
}

/// Why a request is not let in.
fn refusal(node: &Node, door: Door, caller: &Caller) -> Option<Response> {
    if !node.gate().admits(caller.address()) {
        return Some(answer(door, StatusCode::FORBIDDEN, RpcError::NotLetIn));
    }
    if door.is_the_book()
        && let Some(reason) = node.refusal()
    {
        return Some(answer(door, StatusCode::SERVICE_UNAVAILABLE, RpcError::Refusing(reason)));
    }
    let too_much = node.gate().charge(caller, door.units()).err()?;
    node.meters().limited("address");
    let error = RpcError::too_many("requests from your address", "units", too_much);
    let response = answer(door, StatusCode::TOO_MANY_REQUESTS, error);
    Some(with_retry(response, retry_after(too_much.retry_after)))
}

/// Too much is on its way, of whomever.
fn no_room(node: &Node, door: Door) -> Response {
    node.meters().limited("bodies");
    let text = "server is busy: too many large requests are on their way; nothing was sent, try again later";
    let response = answer(door, StatusCode::SERVICE_UNAVAILABLE, RpcError::Limit(text.into()));
    with_retry(response, retry_after(Duration::from_secs(1)))
}

/// The answer with the time to come back.
fn with_retry(mut response: Response, (name, value): (HeaderName, HeaderValue)) -> Response {
    response.headers_mut().insert(name, value);
    response
}

/// An error as the door's clients read it.
fn answer(door: Door, status: StatusCode, error: RpcError) -> Response {
    match door {
        Door::Rpc => {
            let payload = ResponsePayload::<()>::error(ErrorObjectOwned::from(error));
            (status, Json(RpcResponse::new(payload, Id::Null))).into_response()
        }
        _ => (status, Fail::from(error).with_status(status)).into_response(),
    }
}

/// The status of a JSON-RPC answer says when none of its calls was served.
fn settled(mut response: Response, door: Door, caller: &Caller) -> Response {
    if door != Door::Rpc || response.status() != StatusCode::OK {
        return response;
    }
    if let Some(status) = caller.status() {
        *response.status_mut() = status;
        if status == StatusCode::TOO_MANY_REQUESTS {
            return with_retry(response, caller.retry_after());
        }
    }
    response
}
