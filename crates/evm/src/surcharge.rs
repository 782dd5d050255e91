//! What the signature of a transaction costs beyond that of every transaction.

use revm::{
    context_interface::result::{EVMError, HaltReason, InvalidTransaction},
    handler::{EthFrame, Handler, MainnetHandler},
    inspector::InspectorHandler,
    interpreter::{InitialAndFloorGas, interpreter::EthInterpreter},
};
use tulou_primitives::{Envelope, TxType};

use crate::{
    batch::verification_gas,
    database::ReadFault,
    machine::{EvmContext, Inner},
    national::SM2VERIFY_GAS,
};

/// Price of `ECRECOVER`: the check that the 21,000 of every transaction pay for.
const ECRECOVER_GAS: u64 = 3_000;

/// Gas of verifying the SM2 signature of a transaction, beyond what every transaction pays: the price of
/// `SM2VERIFY` less that of `ECRECOVER`.
pub const SM2_GAS: u64 = SM2VERIFY_GAS - ECRECOVER_GAS;

/// Gas of the signature of a transaction, beyond what every transaction pays: 31,500 for SM2, that of its
/// [signature](verification_gas) for a batch, 0 for a wallet's.
pub fn signature_gas(envelope: &Envelope) -> u64 {
    match envelope.as_batch() {
        Some(signed) => verification_gas(&signed.signature),
        None if envelope.tx_type() == TxType::Sm2 => SM2_GAS,
        None => 0,
    }
}

type Fault = EVMError<ReadFault>;
type Mainnet<'a, I> = MainnetHandler<Inner<'a, I>, Fault, EthFrame<EthInterpreter>>;

/// The mainnet's handler, where the transaction pays more for its signature. It is paid on top of the floor
/// of calldata, too: no calldata makes a signature cheaper to check.
pub(crate) struct SurchargeHandler<E> {
    surcharge: u64,
    evm: core::marker::PhantomData<E>,
}

impl<E> SurchargeHandler<E> {
    pub(crate) fn new(surcharge: u64) -> Self {
        Self { surcharge, evm: core::marker::PhantomData }
    }
}

impl<'a, I> Handler for SurchargeHandler<Inner<'a, I>> {
    type Evm = Inner<'a, I>;
    type Error = Fault;
    type HaltReason = HaltReason;

    fn validate_initial_tx_gas(&self, evm: &mut Self::Evm) -> Result<InitialAndFloorGas, Fault> {
        let mut gas = Mainnet::<'a, I>::default().validate_initial_tx_gas(evm)?;
        gas.initial_regular_gas = gas.initial_regular_gas.saturating_add(self.surcharge);
        gas.floor_gas = gas.floor_gas.saturating_add(self.surcharge);
        let gas_limit = evm.ctx.tx.gas_limit;
        let initial_gas = gas.initial_total_gas();
        if initial_gas > gas_limit {
            let invalid =
                InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas, gas_limit };
            return Err(invalid.into());
        }
        let gas_floor = gas.floor_gas;
        if gas_floor > gas_limit {
            let invalid = InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor, gas_limit };
            return Err(invalid.into());
        }
        Ok(gas)
    }
}

impl<'a, I: revm::Inspector<EvmContext<'a>, EthInterpreter>> InspectorHandler
    for SurchargeHandler<Inner<'a, I>>
{
    type IT = EthInterpreter;
}
