/** What a receipt says happened, read from its own log entries: nobody's word is taken for it. */
import type { Log, Receipt } from '$verifier/index';
import { moduleAddress, type ModuleName } from './modules';
import { keccakHex } from './sha';

const signatures = {
  BallotCast: ['decisions', 'BallotCast(uint64,bytes32,uint8,uint8,uint64)'],
  MotionProposed: ['decisions', 'MotionProposed(uint64,uint8,address,bytes32,uint64,uint64,bytes32)'],
  MotionOpened: ['decisions', 'MotionOpened(uint64,uint64,uint64,uint32)'],
  MotionClosed: ['decisions', 'MotionClosed(uint64,uint8,uint64,uint32,uint64,uint32)'],
  PaymentRequested: ['funds', 'PaymentRequested(uint64,uint64,uint64,bytes32,uint8)'],
  PaymentApproved: ['funds', 'PaymentApproved(uint64,address,uint32,bytes32)'],
  PaymentEnded: ['funds', 'PaymentEnded(uint64,uint8,string)'],
  Registered: ['documents', 'Registered(uint64,bytes32,uint8,address,uint64,string)'],
  Invited: ['accounts', 'Invited(uint64,uint64,bytes32,uint64)'],
  InvitationUsed: ['accounts', 'InvitationUsed(uint64,address)'],
  KeyAuthorised: ['accounts', 'KeyAuthorised(address,address,uint8,uint64,uint64,uint64)'],
  GuardiansSet: ['accounts', 'GuardiansSet(address,uint64)'],
  RecoveryAsked: ['accounts', 'RecoveryAsked(address,address,address)'],
  RecoveryOpened: ['accounts', 'RecoveryOpened(uint64,address,address,uint64,uint64,bytes32)'],
  RecoveryDone: ['accounts', 'RecoveryDone(uint64,address,address,address)'],
  HelperNamed: ['accounts', 'HelperNamed(address,address)'],
  AttestorListed: ['accounts', 'AttestorListed(uint64,uint8,address,string,uint64,bytes32)'],
  AttestorEnded: ['accounts', 'AttestorEnded(uint64,address,string)'],
  Attested: ['accounts', 'Attested(uint64,address,uint64,bytes32)'],
  KeyRevoked: ['accounts', 'KeyRevoked(address,address)'],
  RecoveryVetoed: ['accounts', 'RecoveryVetoed(uint64,address,address)'],
  Frozen: ['accounts', 'Frozen(address,uint64,uint8,address)'],
  Unfrozen: ['accounts', 'Unfrozen(address)'],
  AccountRemoved: ['registry', 'AccountRemoved(address,bytes32,bytes32)'],
  RollPosted: ['registry', 'RollPosted(uint64,uint64)'],
  ObjectionRaised: ['registry', 'ObjectionRaised(uint64,uint64,uint64,address,bytes32)'],
  // An account is also bound by a letter or an attestor, whose own events say more.
  AccountAdded: ['registry', 'AccountAdded(address,bytes32,uint8,uint64)'],
  // What is issued or burnt comes from nobody or goes to nobody, and beside other events: it is named last.
  Transfer: ['money', 'Transfer(address,address,uint256)'],
} as const satisfies Record<string, readonly [ModuleName, string]>;

export type EventName = keyof typeof signatures;

const is = (log: Log, name: EventName): boolean => {
  const [module, signature] = signatures[name];
  // An asset of `money` stands at the module's address with its number in bytes 12 to 15.
  const at = log.address.toLowerCase();
  const from = module === 'money' ? `${at.slice(0, 26)}00000000${at.slice(34)}` : at;
  return from === moduleAddress(module) && log.topics[0] === keccakHex(signature);
};

/** The first event of a receipt that this app knows. */
export function eventOf(receipt: Receipt): EventName | undefined {
  const names = (Object.keys(signatures) as EventName[]).filter((name) => name !== 'AccountAdded' && name !== 'Transfer');
  for (const log of receipt.logs) {
    const found = names.find((name) => is(log, name));
    if (found) return found;
  }
  if (receipt.logs.some((log) => is(log, 'AccountAdded'))) return 'AccountAdded';
  const paid = receipt.logs.some((log) => is(log, 'Transfer') && log.topics.slice(1).every((party) => BigInt(party) !== 0n));
  return paid ? 'Transfer' : undefined;
}

export interface Meant {
  kind: string;
  motion?: number;
  choice?: number;
}

/** Whether a receipt records the very act that this device sent: the event, and for a ballot its motion and choice. */
export function records(receipt: Receipt, meant: Meant): boolean {
  if (!receipt.ok || !(meant.kind in signatures)) return false;
  return receipt.logs.some((log) => {
    if (!is(log, meant.kind as EventName)) return false;
    if (meant.kind !== 'BallotCast') return true;
    const choice = Number(BigInt(log.data.slice(0, 66)));
    return Number(BigInt(log.topics[1] ?? '0x0')) === meant.motion && choice === meant.choice;
  });
}
