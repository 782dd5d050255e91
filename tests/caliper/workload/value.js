'use strict';

const { TxStatus, WorkloadModuleBase } = require('@hyperledger/caliper-core');

const GAS = 21_000;

/**
 * Plain transfers of the coin. The connector calls contracts only, so this module sends by the connector's web3
 * and tells Caliper of each transaction as a connector does. Arguments: `keys` (one for each worker), `recipients`, `wei`.
 */
class Value extends WorkloadModuleBase {
  async initializeWorkloadModule(workerIndex, totalWorkers, ...rest) {
    await super.initializeWorkloadModule(workerIndex, totalWorkers, ...rest);
    const { eth } = this.sutContext.web3;
    const key = this.roundArguments.keys[workerIndex];
    if (!key) throw new Error(`${totalWorkers} workers need as many keys`);
    this.from = eth.accounts.wallet.add(key).address;
    // Counted here: transactions follow each other faster than the chain counts them.
    this.nonce = await eth.getTransactionCount(this.from);
    this.next = 0;
  }

  recipient() {
    const number = this.next++ % this.roundArguments.recipients;
    return `0xca11${number.toString(16).padStart(36, '0')}`;
  }

  async submitTransaction() {
    const { web3, gasPrice, chainId } = this.sutContext;
    const status = new TxStatus();
    const transaction = {
      from: this.from, to: this.recipient(), value: this.roundArguments.wei, nonce: this.nonce++, gas: GAS, gasPrice, chainId,
    };
    this.sutAdapter._onTxsSubmitted(1);
    try {
      const receipt = await web3.eth.sendTransaction(transaction);
      status.SetID(receipt.transactionHash);
      status.SetVerification(true);
      status.SetStatusSuccess();
    } catch (error) {
      console.error(`transfer with nonce ${transaction.nonce}: ${error.message}`);
      status.SetStatusFail();
    }
    this.sutAdapter._onTxsFinished(status);
  }
}

module.exports.createWorkloadModule = () => new Value();
