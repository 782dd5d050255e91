'use strict';

const { createHash, randomBytes } = require('node:crypto');
const { WorkloadModuleBase } = require('@hyperledger/caliper-core');

/** `Other` of the module's enumeration `Kind`. */
const OTHER = 15;
/** First second of the year 2100: a document is kept into the future. */
const RETAIN_UNTIL = 4_102_444_800;

/** Hashes that this worker has put on file. A worker is one process for all rounds. */
const filed = [];

/** Calls of the native module `documents`: `verb` is `register`, or `document` for those of an earlier round. */
class Documents extends WorkloadModuleBase {
  async initializeWorkloadModule(...all) {
    await super.initializeWorkloadModule(...all);
    // A document is put on file once, so a second run on the same ledger needs other hashes.
    this.run = randomBytes(16);
    this.next = 0;
    if (this.roundArguments.verb === 'document' && filed.length === 0) throw new Error('a round with verb "register" comes first');
  }

  async submitTransaction() {
    if (this.roundArguments.verb === 'register') await this.register();
    else await this.look();
  }

  async register() {
    const number = this.next++;
    const hash = `0x${createHash('sha256').update(this.run).update(String(number)).digest('hex')}`;
    const args = [hash, OTHER, this.sutContext.fromAddress, RETAIN_UNTIL, `Caliper ${number}`];
    const status = await this.sutAdapter.sendRequests({ contract: 'documents', verb: 'register', args, readOnly: false });
    if (status.IsCommitted()) filed.push(hash);
  }

  async look() {
    const hash = filed[this.next++ % filed.length];
    const status = await this.sutAdapter.sendRequests({ contract: 'documents', verb: 'document', args: [hash], readOnly: true });
    // An error ends the run: a node that answers with something else is not one to measure.
    if (status.IsCommitted() && status.GetResult().hash !== hash) throw new Error(`another document than ${hash} came back`);
  }
}

module.exports.createWorkloadModule = () => new Documents();
