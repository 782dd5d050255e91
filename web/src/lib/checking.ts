/** The check that makes a receipt jade: run here, against offices this device already knows. */
import {
  followEpochs,
  parseKeySheet,
  Refusal,
  type KeySheet,
  type LightClient,
  type Node,
  type PageProof,
  type ReceiptProof,
  type Refuted,
  type Verified,
  type VerifiedPage,
} from '$verifier/index';
import { rpc, RpcError } from './rpc';
import { keep, trust, trusted } from './trust';

/** What the server says beside a proof; believed only where the proof bears it out. */
export interface Said {
  chain: { id: number | string; genesis: string };
  validators: string[];
}

export interface Checked {
  proof: ReceiptProof & Said;
  verdict: Verified | Refuted;
  /** The server speaks of another book, or of other offices, than this device trusts. */
  foreign: boolean;
  /** Hash of the first page of the book that this device trusts. */
  genesis: string;
}

export interface CheckedPage {
  proof: PageProof & Said;
  verdict: VerifiedPage | Refuted;
  foreign: boolean;
}

/** The server that served this page. */
const here: Node = {
  name: 'here',
  async ask(method, params) {
    try {
      return await rpc<unknown>(method, params);
    } catch (cause) {
      throw cause instanceof RpcError ? new Refusal(cause.message) : cause;
    }
  },
};

/** Fetches a proof and checks it here. `null` while the book does not have the receipt. */
export async function check(hash: string): Promise<Checked | null> {
  let proof: (ReceiptProof & Said) | null;
  try {
    proof = await rpc<(ReceiptProof & Said) | null>('tulou_getReceiptProof', [hash]);
  } catch (cause) {
    if (cause instanceof RpcError && cause.code !== -32601) return null;
    throw cause;
  }
  if (!proof) return null;
  const found = proof;
  const client = await known(found);
  const verdict = await following(client, () => client.receipt(found, hash));
  return { proof: found, verdict, foreign: !verdict.ok && isForeign(client, found), genesis: client.sheet.genesis };
}

/** Fetches a page and checks it here. `null` while the server does not have it, or not yet with a certificate. */
export async function checkPage(height: number | 'latest'): Promise<CheckedPage | null> {
  let proof: (PageProof & Said) | null;
  try {
    proof = await rpc<(PageProof & Said) | null>('tulou_getFinality', [height === 'latest' ? height : `0x${height.toString(16)}`]);
  } catch (cause) {
    if (cause instanceof RpcError && cause.code !== -32601) return null;
    throw cause;
  }
  if (!proof) return null;
  const found = proof;
  const client = await known(found);
  const asked = height === 'latest' ? undefined : BigInt(height);
  const verdict = await following(client, () => client.page(found, asked));
  return { proof: found, verdict, foreign: !verdict.ok && isForeign(client, found) };
}

/** Checks the newest page of the book; returns how many offices signed it, 0 where it does not hold. */
export async function latestCheck(): Promise<number> {
  const verdict = (await checkPage('latest'))?.verdict;
  return verdict?.ok ? verdict.signed.filter(Boolean).length : 0;
}

/** The sheet as the server prints it: the founding's, or that of a later epoch. */
export async function serverSheet(epoch = 0n): Promise<KeySheet> {
  const { text } = await rpc<{ text: string }>('tulou_getKeySheet', [Number(epoch)]);
  return parseKeySheet(text);
}

/** On one's own machine a book may be begun anew under the same address: the demo often is. */
const isOwnMachine = (): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);

/**
 * What this device trusts: the sheet in the lobby, else what it met first. Pages of another book stay refuted, whatever
 * the server says it keeps; only a demo on one's own machine is met anew, and never where the lobby has spoken.
 */
async function known(said: Partial<Said>): Promise<LightClient> {
  const now = trusted();
  const genesis = now?.client.sheet.genesis.toLowerCase();
  if (now && (now.from === 'lobby' || !isOwnMachine() || said.chain?.genesis.toLowerCase() === genesis)) return now.client;
  meeting ??= serverSheet()
    .then((sheet) => (now && sheet.genesis.toLowerCase() === genesis ? now : trust(sheet, 'first')).client)
    .finally(() => {
      meeting = undefined;
    });
  return meeting;
}
let meeting: Promise<LightClient> | undefined;

/** Runs a check, and again after following the book's own changes of offices where it needs that. */
async function following<T extends { ok: true }>(client: LightClient, run: () => Promise<T | Refuted>): Promise<T | Refuted> {
  const first = await run();
  if (first.ok || first.step !== 'epoch') return first;
  way ??= followEpochs([here], client).finally(() => {
    way = undefined;
    keep();
  });
  await way;
  return run();
}
let way: Promise<unknown> | undefined;

function isForeign(client: LightClient, said: Partial<Said>): boolean {
  if (said.chain && client.sheet.genesis.toLowerCase() !== said.chain.genesis.toLowerCase()) return true;
  const offices = client.offices(client.epoch) ?? [];
  return said.validators !== undefined && JSON.stringify(offices) !== JSON.stringify(said.validators.map((k) => k.toLowerCase()));
}
