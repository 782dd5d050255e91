//! The national algorithms for contracts: two precompiles beside Ethereum's, in the ledger's own range of
//! addresses. Pure functions of their input, as `P256VERIFY` is: no state, no code at the address (a
//! contract calls them by `staticcall`), and nothing for `DELEGATECALL` to reach.

use std::{borrow::Cow, sync::LazyLock};

use alloy_primitives::{Address, B256, Bytes, address};
use revm::{
    precompile::{
        EthPrecompileOutput, EthPrecompileResult, Precompile, PrecompileHalt, PrecompileId,
        PrecompileOutput, PrecompileResult, PrecompileSpecId, Precompiles, calc_linear_cost,
    },
    primitives::hardfork::SpecId,
};
use tulou_primitives::sm::{Sm2PublicKey, Sm2Signature, sm3};

use crate::machine::SPEC;

/// Verifies an SM2 signature: the input is `e || r || s || x || y`, 32 bytes each, the output is 32 bytes
/// with the value 1, or nothing where the input has another length or the signature is not valid. `e` is
/// SM3(ZA || message): the caller decides about the signer's identity.
pub const SM2VERIFY: Address = address!("7755000000000000000000000000000000000102");

/// SM3 of the input, in 32 bytes.
pub const SM3: Address = address!("7755000000000000000000000000000000000103");

/// `P256VERIFY` costs 6,900; this takes about five times as long (docs/reference/national-algorithms.md).
pub(crate) const SM2VERIFY_GAS: u64 = 34_500;
/// SHA-256's prices. By time alone a word would cost twelve of `P256VERIFY`'s gas, too.
const SM3_GAS: u64 = 60;
const SM3_WORD_GAS: u64 = 12;

/// Name and address of each, for `eth_config`.
pub(crate) const NAMES: [(&str, Address); 2] = [("SM2VERIFY", SM2VERIFY), ("SM3", SM3)];

/// Whether one of the two answers here.
pub(crate) fn is_precompile(at: &Address) -> bool {
    [SM2VERIFY, SM3].contains(at)
}

/// The precompiles of this ledger: Ethereum's of its fork and these two.
pub(crate) fn own() -> &'static Precompiles {
    static OWN: LazyLock<Precompiles> = LazyLock::new(|| {
        let mut all = ethereum(SPEC).clone();
        all.extend([
            Precompile::new(name("SM2VERIFY"), SM2VERIFY, sm2_verify),
            Precompile::new(name("SM3"), SM3, sm3_hash),
        ]);
        all
    });
    &OWN
}

/// Ethereum's alone, for the replay of another chain.
pub(crate) fn ethereum(spec: SpecId) -> &'static Precompiles {
    Precompiles::new(PrecompileSpecId::from_spec_id(spec))
}

fn name(name: &'static str) -> PrecompileId {
    PrecompileId::Custom(Cow::Borrowed(name))
}

fn sm2_verify(input: &[u8], gas: u64, reservoir: u64) -> PrecompileResult {
    let is_valid = || {
        let words: Vec<B256> = input.chunks_exact(32).map(B256::from_slice).collect();
        let [e, r, s, x, y] = words[..] else { return false };
        input.len() == 160 && Sm2PublicKey { x, y }.verifies_digest(&e, &Sm2Signature { r, s })
    };
    let answer = || if is_valid() { B256::with_last_byte(1).into() } else { Bytes::new() };
    Ok(PrecompileOutput::from_eth_result(paid(SM2VERIFY_GAS, gas, answer), reservoir))
}

fn sm3_hash(input: &[u8], gas: u64, reservoir: u64) -> PrecompileResult {
    let price = calc_linear_cost(input.len(), SM3_GAS, SM3_WORD_GAS);
    Ok(PrecompileOutput::from_eth_result(paid(price, gas, || sm3(input).into()), reservoir))
}

/// Works only for one who can pay.
fn paid(price: u64, gas: u64, work: impl FnOnce() -> Bytes) -> EthPrecompileResult {
    if price > gas {
        return Err(PrecompileHalt::OutOfGas);
    }
    Ok(EthPrecompileOutput::new(price, work()))
}
