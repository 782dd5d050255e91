//! What every JSON-RPC call passes: refusals of the whole node, the caller's limit, the metrics.

use std::time::Instant;

use jsonrpsee::{
    MethodResponse,
    core::middleware::{Batch, BatchEntry, BatchEntryErr, Notification, RpcServiceT},
    types::{ErrorObjectOwned, Extensions, Request},
};

use super::{Caller, Class};
use crate::{error::RpcError, metrics::Outcome, node::Node, sight::Reader};

/// Puts limits and metrics around a JSON-RPC service.
#[derive(Clone)]
pub(crate) struct MeterLayer {
    node: Node,
}

impl MeterLayer {
    pub(crate) fn new(node: Node) -> Self {
        Self { node }
    }
}

impl<S> tower::Layer<S> for MeterLayer {
    type Service = Metered<S>;

    fn layer(&self, inner: S) -> Metered<S> {
        Metered { inner, node: self.node.clone() }
    }
}

/// A JSON-RPC service with limits and metrics.
#[derive(Clone)]
pub(crate) struct Metered<S> {
    inner: S,
    node: Node,
}

impl<S> Metered<S> {
    /// Whether a call may be made. One that may not is counted here.
    fn admit(&self, method: &str, extensions: &Extensions) -> Result<Class, ErrorObjectOwned> {
        let class = Class::of(method);
        let caller = extensions.get::<Caller>();
        let admitted = check(&self.node, class, caller);
        let admitted =
            admitted.and_then(|()| Reader::may_call(&self.node, extensions.get(), method));
        let Err(error) = admitted else { return Ok(class) };
        let outcome = Outcome::of_code(error.code());
        if let Some(caller) = caller {
            match &error {
                RpcError::Limited { retry_after, .. } => caller.limited(*retry_after),
                RpcError::Refusing(_) => caller.unavailable(),
                _ => caller.served(),
            }
        }
        self.node.meters().call(self.node.label(), class, outcome);
        Err(error.into())
    }
}

fn check(node: &Node, class: Class, caller: Option<&Caller>) -> Result<(), RpcError> {
    if class != Class::Node
        && let Some(reason) = node.refusal()
    {
        return Err(RpcError::Refusing(reason));
    }
    if class == Class::Write && node.config.read_only {
        return Err(RpcError::ReadOnly);
    }
    let Some(caller) = caller else { return Ok(()) };
    // Over a WebSocket the lists may have changed since it was opened.
    if !node.gate().admits(caller.address()) {
        return Err(RpcError::NotLetIn);
    }
    node.gate().charge(caller, class.units()).map_err(|too_much| {
        node.meters().limited("address");
        RpcError::too_many("requests from your address", "units", too_much)
    })
}

impl<S> RpcServiceT for Metered<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            BatchResponse = MethodResponse,
            NotificationResponse = MethodResponse,
        > + Send
        + Sync
        + Clone
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let this = self.clone();
        async move {
            let class = match this.admit(&request.method, &request.extensions) {
                Ok(class) => class,
                Err(error) => return MethodResponse::error(request.id, error),
            };
            let caller = request.extensions.get::<Caller>().cloned();
            let begun = Instant::now();
            let response = this.inner.call(request).await;
            let meters = this.node.meters();
            meters.call_took(this.node.label(), class, begun.elapsed());
            meters.call(this.node.label(), class, Outcome::of(&response));
            // An account's limit has counted the call already.
            if let Some(caller) = caller
                && Outcome::of(&response) != Outcome::Limited
            {
                caller.served();
            }
            response
        }
    }

    fn batch<'a>(&self, mut batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let this = self.clone();
        async move {
            for entry in batch.iter_mut() {
                let Ok(BatchEntry::Call(request)) = entry else { continue };
                match this.admit(&request.method, &request.extensions) {
                    Ok(class) => {
                        // How it fares is inside the answer to the batch: counted as made.
                        this.node.meters().call(this.node.label(), class, Outcome::Batched);
                        if let Some(caller) = request.extensions.get::<Caller>() {
                            caller.served();
                        }
                    }
                    Err(error) => *entry = Err(BatchEntryErr::new(request.id.clone(), error)),
                }
            }
            this.inner.batch(batch).await
        }
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.inner.notification(notification)
    }
}
