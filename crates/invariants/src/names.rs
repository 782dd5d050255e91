//! What a call and a refusal are called.

use std::sync::LazyLock;

use alloy_json_abi::{JsonAbi, StateMutability};
use alloy_primitives::{Address, Bytes};
use tulou_modules::{ALL, money};
use tulou_slots::{Fault, Res};

use crate::calls::{Call, Move};

/// Modules in the order of the table, and at the end the interface of assets.
static ABIS: LazyLock<Vec<(&'static str, JsonAbi)>> = LazyLock::new(|| {
    let modules = ALL.iter().map(|module| (module.name, (module.abi)()));
    modules.chain([("money", money::token_abi())]).collect()
});

fn abi_at(to: Address) -> Option<&'static (&'static str, JsonAbi)> {
    if money::is_asset(&to) {
        return ABIS.last();
    }
    ABIS.get(ALL.iter().position(|module| module.address == to)?)
}

/// Every call that writes, by module; those of assets have `token.` before them.
pub fn writing() -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for (index, (module, abi)) in ABIS.iter().enumerate() {
        let writes = |function: &&alloy_json_abi::Function| {
            function.state_mutability == StateMutability::NonPayable
        };
        let before = if index == ALL.len() { "token." } else { "" };
        all.extend(
            abi.functions().filter(writes).map(|f| (*module, format!("{before}{}", f.name))),
        );
    }
    all
}

fn function(call: &Call) -> Option<(&'static str, &'static alloy_json_abi::Function)> {
    let (module, abi) = abi_at(call.to)?;
    let selector = call.input.get(..4)?;
    Some((*module, abi.functions().find(|function| function.selector() == selector)?))
}

/// Module and name of a call, where its selector is one.
pub(crate) fn of(call: &Call) -> Option<(&'static str, String)> {
    let (module, function) = function(call)?;
    let before = if money::is_asset(&call.to) { "token." } else { "" };
    Some((module, format!("{before}{}", function.name)))
}

/// Whether a call only reads.
pub(crate) fn reads(call: &Call) -> bool {
    function(call).is_some_and(|(_, function)| function.state_mutability == StateMutability::View)
}

/// Name of a refusal.
fn refusal(data: &Bytes) -> String {
    let Some(selector) = data.get(..4) else { return "no reason".into() };
    let mut errors = ABIS.iter().flat_map(|(_, abi)| abi.errors());
    errors.find(|error| error.selector() == selector).map_or(format!("{data}"), |e| e.name.clone())
}

/// A step and what came of it, in one line.
pub(crate) fn line(step: &Move, answer: &Res<Bytes>) -> String {
    match step {
        Move::Wait { seconds, blocks } => format!("wait {seconds} s, {blocks} blocks"),
        Move::Call(call) => {
            let name = of(call).map_or("?".into(), |(module, name)| format!("{module}.{name}"));
            let came = match answer {
                Ok(_) => "done".into(),
                Err(Fault::Revert(data)) => refusal(data),
                Err(fault) => format!("{fault:?}"),
            };
            let arguments = Bytes::copy_from_slice(call.input.get(4..).unwrap_or_default());
            format!("{} {name} {arguments}: {came}", call.from)
        }
    }
}
