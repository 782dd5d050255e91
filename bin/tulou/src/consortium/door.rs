//! The front door: passes everything to a living member, and shows and changes who lives. Only for this
//! machine and for pages that it served itself.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use super::members::Members;
use crate::output::Failure;

#[derive(Clone)]
struct Door {
    members: Arc<Members>,
    /// The member that answered last: the page should not jump between two.
    current: Arc<AtomicUsize>,
}

/// Opens the door. Returns its address, with the port that was taken.
pub(super) async fn open(
    address: SocketAddr,
    members: Arc<Members>,
) -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind(address).await.map_err(|e| {
        Failure::hint(format!("cannot listen on {address}: {e}"), "choose another --port")
    })?;
    let address = listener.local_addr()?;
    let door = Door { members, current: Arc::default() };
    let app = Router::new()
        .route("/consortium/members", get(seen))
        .route("/consortium/members/{index}/{change}", post(change))
        .fallback(pass)
        .with_state(door);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "the front door broke");
        }
    });
    Ok(address)
}

async fn seen(State(door): State<Door>) -> Response {
    Json(door.members.seen()).into_response()
}

async fn change(
    State(door): State<Door>,
    Path((index, change)): Path<(usize, String)>,
    headers: HeaderMap,
) -> Response {
    if !is_own_page(&headers) {
        return refused(StatusCode::FORBIDDEN, "another page may not stop members");
    }
    if !door.members.has(index) {
        return refused(StatusCode::NOT_FOUND, "there is no such member");
    }
    let members = door.members.clone();
    let work = move || match change.as_str() {
        "stop" => {
            members.end(index);
            Ok(true)
        }
        "start" => members.run(index).map(|()| true),
        _ => Ok(false),
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(true)) => Json(door.members.seen()).into_response(),
        Ok(Ok(false)) => refused(StatusCode::NOT_FOUND, "a member can be stopped or started"),
        Ok(Err(failure)) => refused(StatusCode::INTERNAL_SERVER_ERROR, &failure.0),
        Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// Whether a request comes from a page of this door, or from a program. A browser names the page.
fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    // A name that somebody points at this machine is not this machine.
    let local = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    let same = match text(header::ORIGIN) {
        Some(origin) => origin.strip_prefix("http://") == Some(host),
        None => true,
    };
    local && same
}

/// Passes a request to the first member that takes the connection, and its answer back.
async fn pass(State(door): State<Door>, request: Request) -> Response {
    let first = door.current.load(Ordering::Relaxed);
    for (index, address) in door.members.living(first) {
        let Ok(stream) = TcpStream::connect(address).await else { continue };
        door.current.store(index, Ordering::Relaxed);
        return match through(stream, request).await {
            Ok(response) => response,
            Err(error) => {
                refused(StatusCode::BAD_GATEWAY, &format!("the member broke off: {error}"))
            }
        };
    }
    refused(StatusCode::SERVICE_UNAVAILABLE, "no member is running")
}

async fn through(stream: TcpStream, mut request: Request) -> Result<Response, hyper::Error> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // Ends with the request or the upgraded connection; the page sees what went wrong.
        let _ = connection.with_upgrades().await;
    });
    let ours = request.extensions_mut().remove::<hyper::upgrade::OnUpgrade>();
    let mut response = sender.send_request(request).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS
        && let Some(ours) = ours
    {
        let theirs = hyper::upgrade::on(&mut response);
        tokio::spawn(async move {
            if let (Ok(ours), Ok(theirs)) = tokio::join!(ours, theirs) {
                let (mut ours, mut theirs) = (TokioIo::new(ours), TokioIo::new(theirs));
                let _ = tokio::io::copy_bidirectional(&mut ours, &mut theirs).await;
            }
        });
    }
    Ok(response.map(Body::new))
}

fn refused(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"error": {"message": message}}))).into_response()
}
