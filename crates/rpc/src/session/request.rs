//! What a request says of who sends it.

use axum::http::{HeaderMap, HeaderValue, header, uri::Authority};

use super::{Credential, now};
use crate::node::Node;

/// The cookie with the token to read, for browsers: pages cannot read it, and other sites cannot send it.
pub(super) const SESSION: &str = "tulou_session";
/// The cookie with the token to refresh; it goes to the doors of sessions alone.
pub(super) const REFRESH: &str = "tulou_refresh";

/// The session that a request belongs to: by its `Authorization`, or by its cookie. What is no token of this
/// process, or has ended, is as good as nothing.
pub(crate) fn credential(node: &Node, headers: &HeaderMap) -> Option<Credential> {
    let bearer = bearer(headers).into_iter();
    let found = bearer.chain(cookies(headers, SESSION));
    let mut sessions = found.filter_map(|text| node.sessions().of_access(text, now()));
    sessions.next().map(Credential)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = text(headers.get(header::AUTHORIZATION))?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Values of a cookie; none where the page that sends it is another site's. Browsers keep cookies by host and
/// not by port, so there may be those of several nodes.
pub(super) fn cookies<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> impl Iterator<Item = &'a str> {
    let own = text(headers.get(header::ORIGIN))
        .is_none_or(|origin| authority_of(origin) == host(headers).map(|host| host.to_string()));
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.filter(move |(key, _)| own && key.trim() == name).map(|(_, value)| value.trim())
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok())
}

/// The host and port that the client asked for.
pub(super) fn host(headers: &HeaderMap) -> Option<Authority> {
    let host: Authority = text(headers.get(header::HOST))?.parse().ok()?;
    let plain = !host.as_str().contains('@') && host.as_str().len() <= 255;
    plain.then_some(host)
}

/// Host and port of an origin.
fn authority_of(origin: &str) -> Option<String> {
    origin.split_once("://").map(|(_, authority)| authority.to_owned())
}

/// Scheme and domain of the site that is signed in to: that of the page which asks, where it is the node's own or
/// one that the node lists; else the node's.
pub(super) fn site(node: &Node, headers: &HeaderMap) -> Option<(&'static str, String)> {
    let host = host(headers)?.to_string();
    let origin = text(headers.get(header::ORIGIN)).unwrap_or_default();
    let page = authority_of(origin);
    let listed = node.config.origins.iter().any(|listed| listed == origin);
    let secure = match &page {
        Some(page) if *page == host || listed => origin.starts_with("https://"),
        _ => node.config.tls.is_some(),
    };
    let domain = page.filter(|_| listed).unwrap_or(host);
    Some((if secure { "https" } else { "http" }, domain))
}
