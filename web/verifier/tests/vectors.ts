/** The vectors that all verifiers share: made by `crates/proofs`, run there in Rust and here. */
import { readFileSync } from 'node:fs';
import { LightClient, parseKeySheet, type AccountProof, type EpochLink, type PageProof, type ReceiptProof } from '../src/index';

export interface Case {
  name: string;
  kind: 'sheet' | 'link' | 'page' | 'receipt' | 'account';
  expect: string;
  /** Of a sheet. */
  text?: string;
  /** Another sheet than the ledger's. */
  sheet?: string;
  /** How many epochs are followed first. */
  follow?: number;
  proof?: unknown;
  transaction?: string;
  height?: number;
  succeeded?: boolean;
  balance?: string;
}

export interface Vectors {
  sheet: string;
  genesis: string;
  links: EpochLink[];
  cases: Case[];
}

export const vectors = JSON.parse(readFileSync(new URL('../../../tests/vectors/light.json', import.meta.url), 'utf8')) as Vectors;

export async function clientAt(follow: number, sheet = vectors.sheet): Promise<LightClient> {
  const client = new LightClient(parseKeySheet(sheet));
  for (const link of vectors.links.slice(0, follow)) {
    const followed = await client.follow(link);
    if (!followed.ok) throw new Error(`link ${link.epoch}: ${followed.reason}`);
  }
  return client;
}

export function named(name: string): Case {
  const found = vectors.cases.find((x) => x.name === name);
  if (!found) throw new Error(name);
  return found;
}

export const asPage = (x: Case) => x.proof as PageProof;
export const asReceipt = (x: Case) => x.proof as ReceiptProof;
export const asLink = (x: Case) => x.proof as EpochLink;
export const asAccount = (x: Case) => x.proof as { page: PageProof; account: AccountProof };
