//! The `eth`, `net`, `web3`, `txpool` and `debug` namespaces.

mod call;
mod chain;
mod debug;
mod fees;
pub(crate) mod filters;
mod logs;
mod pool;
pub(crate) mod receipts;
mod request;
mod simulate;
mod state;
mod submit;
mod subscribe;

use alloy_eips::BlockId;
use jsonrpsee::{
    RpcModule,
    core::RegisterMethodError,
    types::{Params, params::ParamsSequence},
};
use serde::Serialize;
use serde_json::Value;

pub(crate) use call::{Answer, reason, view};

use crate::{error::RpcError, node::Node, sight::Reader};

/// The methods of one server.
pub(crate) type Methods = RpcModule<Node>;

/// A method: reads its parameters one by one and answers.
pub(crate) type Answers<R> = fn(&Node, &mut ParamsSequence<'_>) -> Result<R, RpcError>;

/// Registers a method that answers at once.
pub(crate) fn light<R: Serialize + Clone + 'static>(
    methods: &mut Methods,
    name: &'static str,
    answer: Answers<R>,
) -> Result<(), RegisterMethodError> {
    methods.register_method(name, move |params, node, _| answer(node, &mut params.sequence()))?;
    Ok(())
}

/// Registers a method that executes, proves or searches.
pub(crate) fn heavy<R: Serialize + Clone + Send + 'static>(
    methods: &mut Methods,
    name: &'static str,
    answer: Answers<R>,
) -> Result<(), RegisterMethodError> {
    methods.register_async_method(name, move |params, node, _| async move {
        let params = params.into_owned();
        node.heavy(move |node| answer(node, &mut params.sequence())).await
    })?;
    Ok(())
}

/// A method that answers as far as its reader may see.
pub(crate) type Shows<R> = fn(&Node, Reader, &mut ParamsSequence<'_>) -> Result<R, RpcError>;

/// As [`light`], for a method that asks who reads.
pub(crate) fn light_for<R: Serialize + Clone + 'static>(
    methods: &mut Methods,
    name: &'static str,
    answer: Shows<R>,
) -> Result<(), RegisterMethodError> {
    methods.register_method(name, move |params, node, extensions| {
        answer(node, Reader::of(node, extensions.get()), &mut params.sequence())
    })?;
    Ok(())
}

/// As [`heavy`], for a method that asks who reads.
pub(crate) fn heavy_for<R: Serialize + Clone + Send + 'static>(
    methods: &mut Methods,
    name: &'static str,
    answer: Shows<R>,
) -> Result<(), RegisterMethodError> {
    methods.register_async_method(name, move |params, node, extensions| async move {
        let (params, credential) = (params.into_owned(), extensions.get().copied());
        node.heavy(move |node| {
            let reader = Reader::of(node, credential.as_ref());
            answer(node, reader, &mut params.sequence())
        })
        .await
    })?;
    Ok(())
}

/// Registers a method that reads one state, which its parameter number `block` names. States that have to
/// be worked out from those above them count as costly.
pub(crate) fn stateful<R: Serialize + Clone + Send + 'static>(
    methods: &mut Methods,
    name: &'static str,
    block: usize,
    answer: Answers<R>,
) -> Result<(), RegisterMethodError> {
    methods.register_async_method(name, move |params, node, _| async move {
        if is_at_hand(&node, &params, block) {
            return answer(&node, &mut params.sequence());
        }
        let params = params.into_owned();
        node.heavy(move |node| answer(node, &mut params.sequence())).await
    })?;
    Ok(())
}

/// Whether the state is in memory, or will not be found at all.
fn is_at_hand(node: &Node, params: &Params<'_>, block: usize) -> bool {
    let Ok(values) = params.parse::<Vec<Value>>() else { return true };
    let Some(value) = values.into_iter().nth(block) else { return true };
    let Ok(Some(id)) = serde_json::from_value::<Option<BlockId>>(value) else { return true };
    match node.height_of(id) {
        Ok(Some(height)) => node.ledger.version_at(height).is_some(),
        _ => true,
    }
}

/// Adds all methods of these namespaces.
pub(crate) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    chain::register(methods)?;
    state::register(methods)?;
    call::register(methods)?;
    receipts::register(methods)?;
    submit::register(methods)?;
    logs::register(methods)?;
    filters::register(methods)?;
    debug::register(methods)?;
    simulate::register(methods)?;
    pool::register(methods)?;
    subscribe::register(methods)
}
