//! The web app's files, from this binary.
//!
//! Lookup: the exact file; else nothing where the path names a file (`assets/...`, or a dot in the last
//! part); else the app itself, which knows its own paths. Files were compressed when they were built,
//! never here.

use std::sync::OnceLock;

use alloy_primitives::B256;
use axum::{
    Json,
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};
use serde::Serialize;
use sha2::{Digest, Sha256};

#[derive(RustEmbed)]
#[folder = "$TULOU_WEB_SRC"]
struct Files;

const INDEX: &str = "index.html";

/// What the app consists of, so that a page which was changed on its way, or by one member, is noticed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Manifest {
    /// SHA-256 of the lines `<sha256>  <path>` of all files, ascending by path: what `sha256sum` of the same
    /// files prints, hashed once more.
    digest: B256,
    files: Vec<ManifestFile>,
}

/// One file, not compressed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ManifestFile {
    path: String,
    sha256: B256,
    bytes: usize,
}

/// Computed once: the files are part of this program.
pub(crate) fn manifest() -> &'static Manifest {
    static MANIFEST: OnceLock<Manifest> = OnceLock::new();
    MANIFEST.get_or_init(|| {
        let mut paths: Vec<_> = Files::iter().filter(|path| own(path)).collect();
        paths.sort();
        let file = |path: std::borrow::Cow<'static, str>| {
            let file = Files::get(&path)?;
            let sha256 = B256::from(file.metadata.sha256_hash());
            Some(ManifestFile { path: path.into_owned(), sha256, bytes: file.data.len() })
        };
        let files: Vec<_> = paths.into_iter().filter_map(file).collect();
        let lines = files.iter().map(|file| format!("{:x}  {}\n", file.sha256, file.path));
        let digest = B256::from_slice(&Sha256::digest(lines.collect::<String>()));
        Manifest { digest, files }
    })
}

/// Whether a file is no compressed twin of another.
fn own(path: &str) -> bool {
    lookup(path, |name| Files::get(name).is_some()) == Some(path)
}

/// Answers `/api/v1/node/web`.
pub(crate) async fn told() -> Json<&'static Manifest> {
    Json(manifest())
}

/// Answers a GET for anything that is not an API.
pub(crate) async fn file(request: Request) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let Some(name) = lookup(path, |name| Files::get(name).is_some()) else {
        return (StatusCode::NOT_FOUND, "no such file").into_response();
    };
    let (encoding, file) = best(name, request.headers());
    file.map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        |file| answer(name, encoding, file, request.headers()),
    )
}

/// The file that a path means, if any. Compressed twins are not files of their own.
pub(crate) fn lookup(path: &str, exists: impl Fn(&str) -> bool) -> Option<&str> {
    let path = if path.is_empty() { INDEX } else { path };
    let twin = [".br", ".gz"].iter().any(|end| path.strip_suffix(end).is_some_and(&exists));
    if exists(path) && !twin {
        return Some(path);
    }
    let last = path.rsplit('/').next().unwrap_or(path);
    let names_a_file = path.starts_with("assets/") || last.contains('.');
    (!names_a_file && exists(INDEX)).then_some(INDEX)
}

/// The smallest form that the client takes.
fn best(name: &str, headers: &HeaderMap) -> (Option<&'static str>, Option<EmbeddedFile>) {
    for (encoding, end) in [("br", "br"), ("gzip", "gz")] {
        if accepts(headers, encoding)
            && let Some(file) = Files::get(&format!("{name}.{end}"))
        {
            return (Some(encoding), Some(file));
        }
    }
    (None, Files::get(name))
}

/// Whether `Accept-Encoding` names an encoding without forbidding it (`q=0`).
pub(crate) fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let value = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().split(',').any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map(str::parse::<f32>);
        named && !matches!(weight, Some(Ok(weight)) if weight <= 0.0)
    })
}

fn answer(
    name: &str,
    encoding: Option<&'static str>,
    file: EmbeddedFile,
    headers: &HeaderMap,
) -> Response {
    let tag = alloy_primitives::hex::encode(file.metadata.sha256_hash());
    let etag = format!("\"{}{}\"", &tag[..32], encoding.unwrap_or_default());
    let mut out = HeaderMap::new();
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let kind = match kind.type_() {
        mime_guess::mime::TEXT => format!("{kind}; charset=utf-8"),
        _ => kind.to_string(),
    };
    let lasting = name.starts_with("assets/");
    let cache = if lasting { "public, max-age=31536000, immutable" } else { "no-cache" };
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(value) = HeaderValue::from_str(&etag) {
        out.insert(header::ETAG, value);
    }
    let known = headers.get_all(header::IF_NONE_MATCH).iter();
    if known.filter_map(|value| value.to_str().ok()).any(|value| value.contains(&etag)) {
        return (StatusCode::NOT_MODIFIED, out).into_response();
    }
    if let Ok(value) = HeaderValue::from_str(&kind) {
        out.insert(header::CONTENT_TYPE, value);
    }
    if let Some(encoding) = encoding {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    (out, Body::from(file.data.into_owned())).into_response()
}
