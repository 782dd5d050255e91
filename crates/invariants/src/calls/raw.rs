//! Calls that nobody wrote by hand: bytes as they come, and calls that only read with arguments of the
//! right types.

use alloy_json_abi::{Function, StateMutability};
use alloy_primitives::U256;

use super::*;

/// Any calldata, with a selector that exists or without.
pub(super) fn garbage(g: &mut Gen<'_, '_>) -> Move {
    let module = &tulou_modules::ALL[g.source.below(tulou_modules::ALL.len())];
    let selectors: Vec<[u8; 4]> =
        (module.abi)().functions().map(|function| function.selector().0).collect();
    let mut input = Vec::new();
    if !g.source.one_in(8) {
        input.extend_from_slice(&g.source.pick(&selectors));
    }
    let length = usize::from(g.source.byte());
    input.extend_from_slice(g.source.raw(length));
    Move::Call(Call { from: g.anybody(), to: module.address, input: input.into() })
}

/// A call that only reads.
pub(super) fn view(g: &mut Gen<'_, '_>) -> Move {
    let number = g.source.below(tulou_modules::ALL.len() + 1);
    let (to, abi) = match tulou_modules::ALL.get(number) {
        Some(module) => (module.address, (module.abi)()),
        None => (tulou_modules::money::asset_address(1), tulou_modules::money::token_abi()),
    };
    let views: Vec<&Function> =
        abi.functions().filter(|f| f.state_mutability == StateMutability::View).collect();
    let Some(function) = views.get(g.source.below(views.len().max(1))) else { return garbage(g) };
    let mut input = function.selector().to_vec();
    let mut tail = Vec::new();
    for argument in &function.inputs {
        let word = match argument.ty.as_str() {
            "address" => g.any_address().into_word(),
            "bytes32" => g.hash(),
            "bytes4" => alloy_primitives::B256::right_padding_from(g.source.raw(4)),
            "bool" => U256::from(g.source.byte() % 2).into(),
            "string" => {
                let at = U256::from(32 * function.inputs.len() + tail.len());
                tail.extend_from_slice(&text(b"vote.notice_days"));
                at.into()
            }
            _ => U256::from(g.source.byte() % 12).into(),
        };
        input.extend_from_slice(word.as_slice());
    }
    input.extend_from_slice(&tail);
    Move::Call(Call { from: g.anybody(), to, input: input.into() })
}

fn text(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = U256::from(bytes.len()).to_be_bytes::<32>().to_vec();
    encoded.extend_from_slice(bytes);
    encoded.resize(32 + bytes.len().next_multiple_of(32), 0);
    encoded
}
