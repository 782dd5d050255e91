//! One request's sender, and how its calls fared.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::http::{HeaderValue, StatusCode, header};

/// Travels with a request, so that the answer to all its calls gets one fitting HTTP status.
#[derive(Clone, Debug)]
pub(crate) struct Caller(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    address: IpAddr,
    exempt: bool,
    served: AtomicU64,
    limited: AtomicU64,
    unavailable: AtomicU64,
    retry_after_ms: AtomicU64,
}

impl Caller {
    pub(crate) fn new(address: IpAddr, exempt: bool) -> Self {
        Self(Arc::new(Inner {
            address,
            exempt,
            served: AtomicU64::new(0),
            limited: AtomicU64::new(0),
            unavailable: AtomicU64::new(0),
            retry_after_ms: AtomicU64::new(0),
        }))
    }

    pub(crate) fn address(&self) -> IpAddr {
        self.0.address
    }

    pub(crate) fn is_exempt(&self) -> bool {
        self.0.exempt
    }

    /// A call was answered, well or not.
    pub(crate) fn served(&self) {
        self.0.served.fetch_add(1, Ordering::Relaxed);
    }

    /// A call was one too many.
    pub(crate) fn limited(&self, retry_after: Duration) {
        let ms = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
        self.0.limited.fetch_add(1, Ordering::Relaxed);
        self.0.retry_after_ms.fetch_max(ms, Ordering::Relaxed);
    }

    /// A call was refused because the node must not serve.
    pub(crate) fn unavailable(&self) {
        self.0.unavailable.fetch_add(1, Ordering::Relaxed);
    }

    /// HTTP's word for the whole request where none of its calls was served: a client that reads a
    /// failed status may throw the body away, and with it the answers of a batch's other calls.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        if read(&self.0.served) > 0 {
            return None;
        }
        if read(&self.0.unavailable) > 0 {
            return Some(StatusCode::SERVICE_UNAVAILABLE);
        }
        (read(&self.0.limited) > 0).then_some(StatusCode::TOO_MANY_REQUESTS)
    }

    /// The header `Retry-After` for [`Caller::status`].
    pub(crate) fn retry_after(&self) -> (header::HeaderName, HeaderValue) {
        let ms = self.0.retry_after_ms.load(Ordering::Relaxed);
        retry_after(Duration::from_millis(ms))
    }
}

/// `Retry-After` counts whole seconds, rounded up.
pub(crate) fn retry_after(after: Duration) -> (header::HeaderName, HeaderValue) {
    let seconds = after.as_millis().div_ceil(1_000).max(1);
    (header::RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)))
}
