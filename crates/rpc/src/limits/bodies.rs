//! Room for the bodies of all requests that are on their way together.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{Method, header},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted at a time.
const UNIT: u64 = 1 << 10;
/// Requests up to this size are not counted: whoever announces large ones and never sends them keeps nobody
/// from a vote.
const SMALL: u64 = 64 << 10;

/// A bounded number of bytes for all callers. One connection may send a large request; thousands at once
/// would take all memory there is.
#[derive(Clone, Debug)]
pub(crate) struct Bodies(Arc<Semaphore>);

impl Bodies {
    pub(crate) fn new(bytes: u64) -> Self {
        let units = usize::try_from(bytes / UNIT).unwrap_or(usize::MAX);
        Self(Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))))
    }

    /// Room for a request, given back with the value; `None` where there is none left now. A request that
    /// does not say its length counts as the largest, of `most` bytes.
    pub(crate) fn reserve(&self, request: &Request, most: u32) -> Option<OwnedSemaphorePermit> {
        let units = units(request, most);
        self.0.clone().try_acquire_many_owned(units).ok()
    }
}

fn units(request: &Request, most: u32) -> u32 {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return 0;
    }
    let headers = request.headers();
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let bytes = match length {
        // What is larger is refused before it is read.
        Some(bytes) => u64::min(bytes, u64::from(most)),
        None => u64::from(most),
    };
    if bytes <= SMALL {
        return 0;
    }
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}
