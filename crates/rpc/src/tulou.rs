//! The `tulou` namespace, of which `light` holds the proofs; and the movable clock of a dev chain.

use alloy_primitives::U64;
use jsonrpsee::core::RegisterMethodError;
use serde::Deserialize;

use crate::{
    error::RpcError,
    eth::{Methods, light as cheap},
};

pub(crate) fn register(methods: &mut Methods, dev: bool) -> Result<(), RegisterMethodError> {
    crate::light::register(methods)?;
    if dev {
        cheap(methods, "evm_increaseTime", |node, params| {
            let seconds = params.next::<Quantity>()?.get();
            let clock = node.dev.as_ref().ok_or_else(no_clock)?;
            Ok(clock.increase(seconds))
        })?;
        cheap(methods, "evm_setNextBlockTimestamp", |node, params| {
            let timestamp = params.next::<Quantity>()?.get();
            let newest = node.ledger.head().timestamp;
            if timestamp < newest {
                return Err(RpcError::Params(format!(
                    "timestamp {timestamp} is before the newest block's, {newest}"
                )));
            }
            node.dev.as_ref().ok_or_else(no_clock)?.set_next(timestamp);
            Ok(())
        })?;
    }
    Ok(())
}

fn no_clock() -> RpcError {
    RpcError::Call("the clock of this chain cannot be moved".into())
}

/// A number as JSON has it or as hex: clients send both.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Quantity {
    Number(u64),
    Hex(U64),
}

impl Quantity {
    pub(crate) fn get(self) -> u64 {
        match self {
            Self::Number(value) => value,
            Self::Hex(value) => value.to(),
        }
    }
}
