//! What can be said of a transaction by itself, and of its sender in the state of the head.

use std::sync::{Arc, OnceLock};

use alloy_consensus::Transaction;
use alloy_eips::eip7702::constants::EIP7702_DELEGATION_DESIGNATOR;
use alloy_primitives::{Address, Bytes, KECCAK256_EMPTY};
use tulou_evm::{Admission, BatchGas, signature_gas};
use tulou_primitives::{AccountState, StateError, StateReader, Tx, TxError, TxType, Window};

use crate::{MempoolConfig, Refused};

/// Init code a creation may have (EIP-3860).
const INIT_CODE_BYTES: usize = 49_152;

/// Gas before the first step of the EVM (EIP-2, 2028, 2930, 3860, 7623, 7702).
mod gas {
    pub(super) const TX: u64 = 21_000;
    pub(super) const CREATE: u64 = 32_000;
    pub(super) const TOKEN: u64 = 4;
    pub(super) const FLOOR_TOKEN: u64 = 10;
    pub(super) const INIT_CODE_WORD: u64 = 2;
    pub(super) const ACCESS_ADDRESS: u64 = 2_400;
    pub(super) const ACCESS_SLOT: u64 = 1_900;
    pub(super) const AUTHORIZATION: u64 = 25_000;
}

/// A transaction that needs only the state's word.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) tx: Arc<Tx>,
    pub(crate) sender: Address,
}

/// Everything that needs no state, signature last because it costs most.
pub(crate) fn stateless(raw: Bytes, config: &MempoolConfig) -> Result<Arc<Tx>, Refused> {
    if raw.len() > config.tx_bytes {
        return Err(Refused::TooLarge { size: raw.len(), limit: config.tx_bytes });
    }
    let tx = match Tx::decode(raw.clone()) {
        // An unknown type is not broken bytes, and a wallet should be told so.
        Err(TxError::Malformed(_))
            if raw.first().is_some_and(|kind| *kind < 0x80 && TxType::try_from(*kind).is_err()) =>
        {
            return Err(Refused::UnsupportedType(raw[0]));
        }
        other => other?,
    };
    shape(&tx, config)?;
    Ok(tx)
}

/// Chain, fees and gas of a decoded transaction.
fn shape(tx: &Tx, config: &MempoolConfig) -> Result<(), Refused> {
    let envelope = tx.envelope();
    match envelope.chain_id() {
        None => return Err(Refused::NotReplayProtected),
        Some(have) if have != config.chain_id => {
            return Err(Refused::WrongChainId { have, want: config.chain_id });
        }
        Some(_) => {}
    }
    if envelope.authorization_list().is_some_and(|list| list.is_empty()) {
        return Err(Refused::NoAuthorization);
    }
    if envelope.max_priority_fee_per_gas().is_some_and(|tip| tip > envelope.max_fee_per_gas()) {
        return Err(Refused::TipAboveFeeCap);
    }
    let gas = envelope.gas_limit();
    if gas > config.tx_gas_limit {
        return Err(Refused::TxGasLimit { gas, cap: config.tx_gas_limit });
    }
    if gas > config.block_gas_limit {
        return Err(Refused::GasLimit { gas, limit: config.block_gas_limit });
    }
    let size = envelope.input().len();
    if envelope.is_create() && size > INIT_CODE_BYTES {
        return Err(Refused::InitCodeTooLarge { size, limit: INIT_CODE_BYTES });
    }
    let needed = match envelope.as_batch() {
        Some(signed) => BatchGas::of_signed(signed).least(),
        None => intrinsic_gas(envelope).saturating_add(signature_gas(envelope)),
    };
    if gas < needed {
        return Err(Refused::IntrinsicGas { gas, needed });
    }
    Ok(())
}

/// The greater of the intrinsic gas and the floor that calldata sets.
pub(crate) fn intrinsic_gas(tx: &impl Transaction) -> u64 {
    let input = tx.input();
    let nonzero = input.iter().filter(|byte| **byte != 0).count() as u64;
    let tokens = input.len() as u64 + 3 * nonzero;
    let mut total = gas::TX + gas::TOKEN * tokens;
    if tx.is_create() {
        total += gas::CREATE + gas::INIT_CODE_WORD * (input.len() as u64).div_ceil(32);
    }
    if let Some(list) = tx.access_list() {
        total += gas::ACCESS_ADDRESS * list.0.len() as u64;
        total += gas::ACCESS_SLOT * list.storage_keys_count() as u64;
    }
    total += gas::AUTHORIZATION * tx.authorization_count().unwrap_or(0);
    total.max(gas::TX + gas::FLOOR_TOKEN * tokens)
}

/// Whether a transaction with this window may be in a block soon, at `now` (seconds since 1970).
pub(crate) fn window(window: Window, now: u64, config: &MempoolConfig) -> Result<(), Refused> {
    if window.is_over(now) {
        return Err(Refused::Expired { before: window.before, now });
    }
    let most = config.queued_lifetime_s;
    if window.is_ahead(now.saturating_add(most)) {
        return Err(Refused::TooEarly { after: window.after, now, most });
    }
    Ok(())
}

/// Recovers the sender: the one costly step, about 30 us.
pub(crate) fn recovered(tx: Arc<Tx>) -> Result<Candidate, Refused> {
    let sender = tx.sender()?;
    Ok(Candidate { tx, sender })
}

/// What the state of the head says of senders, at `now` (seconds since 1970; a block judges a freeze by its
/// own timestamp again). What counts for all of them is read with the first.
pub(crate) struct Door<'a> {
    state: &'a dyn StateReader,
    now: u64,
    admission: OnceLock<Result<Admission<'a>, StateError>>,
}

impl<'a> Door<'a> {
    pub(crate) fn new(state: &'a dyn StateReader, now: u64) -> Self {
        Self { state, now, admission: OnceLock::new() }
    }

    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    /// The sender's account, if it may send this transaction.
    pub(crate) fn account(&self, candidate: &Candidate) -> Result<AccountState, Refused> {
        let sender = candidate.sender;
        let account = self.state.account(sender)?.unwrap_or_default();
        if account.code_hash != KECCAK256_EMPTY {
            let code = self.state.code(account.code_hash)?;
            if !code.starts_with(&EIP7702_DELEGATION_DESIGNATOR) {
                return Err(Refused::SenderIsContract(sender));
            }
        }
        let nonce = candidate.tx.envelope().nonce();
        if nonce < account.nonce {
            return Err(Refused::NonceTooLow { sender, nonce, next: account.nonce });
        }
        let want = candidate.tx.envelope().total_value();
        if account.balance < want {
            return Err(Refused::InsufficientFunds { sender, have: account.balance, want });
        }
        let admission = self.admission.get_or_init(|| Admission::new(self.state, self.now));
        admission.as_ref().map_err(StateError::clone)?.check(&candidate.tx)?;
        Ok(account)
    }
}
