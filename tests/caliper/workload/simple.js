'use strict';

const { WorkloadModuleBase } = require('@hyperledger/caliper-core');

/**
 * Calls of Simple.sol. Each worker has its own accounts, named `worker-number`, so that a run with several
 * workers needs nothing between them. Arguments: `verb`, `accounts` of all workers together, `amount`.
 */
class Simple extends WorkloadModuleBase {
  async initializeWorkloadModule(workerIndex, totalWorkers, ...rest) {
    await super.initializeWorkloadModule(workerIndex, totalWorkers, ...rest);
    this.accounts = Math.floor(this.roundArguments.accounts / totalWorkers);
    this.next = 0;
  }

  name(number) {
    return `${this.workerIndex}-${number % this.accounts}`;
  }

  async submitTransaction() {
    const { verb, amount } = this.roundArguments;
    const number = this.next++;
    // Transfers go from every other account to the one behind it, so what they did can be read afterwards.
    const args = {
      open: [this.name(number), amount],
      transfer: [this.name(2 * number), this.name(2 * number + 1), amount],
      query: [this.name(number)],
    }[verb];
    await this.sutAdapter.sendRequests({ contract: 'simple', verb, args, readOnly: verb === 'query' });
  }
}

module.exports.createWorkloadModule = () => new Simple();
