//! How the authority is talked to: the client that the rest of the tree uses, in threads that may wait.

use std::{fs, future::Future, path::Path, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::BodyExt;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::AcmeError;

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of an answer: a chain of certificates is a tenth of it.
const ANSWER: u64 = 1 << 20;

/// The client.
#[derive(Clone)]
pub(super) struct Http(ureq::Agent);

impl Http {
    /// A client that trusts the roots in a PEM file, or those that browsers trust.
    ///
    /// # Errors
    /// [`AcmeError::File`]: it cannot be read, or no certificate is in it.
    pub(super) fn new(root: Option<&Path>) -> Result<Self, AcmeError> {
        let roots = root.map(roots).transpose()?.unwrap_or(RootCerts::WebPki);
        let config = ureq::Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .https_only(true)
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build();
        Ok(Self(config.into()))
    }

    fn send(&self, parts: http::request::Parts, body: &[u8]) -> Result<BytesResponse, ureq::Error> {
        let is_post = parts.method == Method::POST;
        let request = Request::from_parts(parts, ());
        let response = match is_post {
            true => self.0.run(request.map(|()| body)),
            false => self.0.run(request),
        };
        let (parts, mut body) = response?.into_parts();
        let bytes = body.with_config().limit(ANSWER).read_to_vec()?;
        Ok(BytesResponse { parts, body: Box::new(Bytes::from(bytes)) })
    }
}

fn roots(path: &Path) -> Result<RootCerts, AcmeError> {
    let text = fs::read(path).map_err(|error| AcmeError::file(path, error))?;
    let found: Result<Vec<Certificate<'static>>, _> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
        .collect();
    let found = found.map_err(|error| AcmeError::file(path, error))?;
    match found.is_empty() {
        true => Err(AcmeError::file(path, "there is no certificate in it")),
        false => Ok(RootCerts::Specific(Arc::new(found))),
    }
}

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body =
                body.collect().await.map_err(|error| Error::Other(Box::new(error)))?.to_bytes();
            let url = parts.uri.clone();
            tokio::task::spawn_blocking(move || client.send(parts, &body))
                .await
                .map_err(|error| Error::Other(Box::new(error)))?
                .map_err(|error| Error::Other(format!("{url}: {error}").into()))
        })
    }
}
