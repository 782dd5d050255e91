//! From calldata to a module's function and back.

use alloy_sol_types::SolCall;

use crate::{Fault, Res};

alloy_sol_types::sol! {
    /// Refusals that every module shares.
    interface ISystem {
        /// No call of this module begins with these four bytes.
        error UnknownSelector(bytes4 selector);
        /// The call writes, but was made in a static context.
        error StaticCall();
    }
}

/// Decodes the arguments of a call strictly.
///
/// # Errors
/// - an empty revert, as Solidity's own decoder gives: too short, or values out of their type's range.
pub fn expect_arguments<C: SolCall>(arguments: &[u8]) -> Res<C> {
    C::abi_decode_raw_validate(arguments).map_err(|_| Fault::Revert(Default::default()))
}

/// Makes `entry(cx, calldata)` from the calls of an interface. Order of checks: selector, static
/// context, arguments.
#[macro_export]
macro_rules! dispatch {
    ($iface:ident, $cx:ident; $($kind:ident $call:ident($arg:pat) => $body:expr;)*) => {
        /// Answers one ABI call.
        ///
        /// # Errors
        /// - `UnknownSelector`: no such call.
        /// - `StaticCall`: a writing call in a static context.
        /// - an empty revert: arguments that do not decode.
        /// - what the call itself refuses.
        pub fn entry($cx: &mut $crate::Cx<'_>, calldata: &[u8]) -> $crate::Res<$crate::alloy_primitives::Bytes> {
            use $crate::alloy_sol_types::SolCall as _;
            let (selector, arguments) = calldata.split_at(calldata.len().min(4));
            let mut id = [0u8; 4];
            id[..selector.len()].copy_from_slice(selector);
            match id {
                $(
                    $iface::$call::SELECTOR if selector.len() == 4 => {
                        $crate::dispatch!(@guard $kind $cx);
                        let $arg = $crate::expect_arguments::<$iface::$call>(arguments)?;
                        let answer = $body;
                        Ok($iface::$call::abi_encode_returns(&answer).into())
                    }
                )*
                _ => Err($crate::ISystem::UnknownSelector { selector: id.into() }.into()),
            }
        }
    };
    (@guard view $cx:ident) => {};
    (@guard write $cx:ident) => {
        if $cx.is_static {
            return Err($crate::ISystem::StaticCall {}.into());
        }
    };
}

/// Refuses unless the condition holds: `ensure!(now < end, Closed { id });`.
#[macro_export]
macro_rules! ensure {
    ($cond:expr, $error:expr) => {
        if !$cond {
            return Err($error.into());
        }
    };
}
