/** A reader that begins with a key sheet and needs to trust nobody after that. */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { equal, fromHex, toHex } from './bytes';
import { at, checkPage, Failed, officesHash, type CheckedPage, type PageProof, type Refuted, type VerifiedPage } from './page';
import { decodeReceipt, type Receipt } from './receipt';
import { indexKey } from './rlp';
import { ascending, parseKeySheet, printKeySheet, type KeySheet } from './sheet';
import { checkAccount, type AccountProof, type VerifiedAccount } from './state';
import { trieValue } from './trie';

/** Answer of `tulou_getReceiptProof`. */
export interface ReceiptProof extends PageProof {
  index: number | string;
  receipt: string;
  proof: string[];
  transaction: string;
  transactionProof: string[];
}

/** Answer of `tulou_getEpochLink`: the last page of an epoch, and the offices of the next one. */
export interface EpochLink {
  epoch: number | string;
  header: string;
  certificate: string;
  next: string[];
}

export interface Verified extends VerifiedPage {
  receipt: Receipt;
}
export interface VerifiedState extends VerifiedPage {
  account: VerifiedAccount;
}
export interface Followed {
  ok: true;
  /** The epoch whose offices are known now. */
  epoch: bigint;
  /** Whether they are others than before. */
  changed: boolean;
}

interface Saved {
  sheet: string;
  epoch: string;
  sets: [string, string[]][];
  head: { height: string; hash: string; timestamp: string } | null;
}

const MAX_OFFICES = 64;
/** Most changes of the offices that are remembered; most epochs keep those of the one before. */
const MAX_CHANGES = 4096;

/** Knows who certified in every epoch so far, and the newest page. No method throws on a bad proof. */
export class LightClient {
  /** Last epoch whose offices are known. */
  epoch: bigint;
  /** The newest page that was checked. */
  head: { height: bigint; hash: string; timestamp: bigint } | null = null;
  /** First epoch of each set, ascending; a set lasts until the next entry. */
  private sets: [bigint, string[]][];

  constructor(readonly sheet: KeySheet) {
    this.epoch = sheet.epoch;
    this.sets = [[sheet.epoch, sheet.validators]];
  }

  /** The offices of an epoch, ascending; null before the sheet's and where the links were not followed yet. */
  offices(epoch: bigint): string[] | null {
    if (epoch > this.epoch) return null;
    return this.sets.findLast(([first]) => first <= epoch)?.[1] ?? null;
  }

  private known = (epoch: bigint): string[] => {
    const found = this.offices(epoch);
    if (!found) throw new Failed('epoch', `the offices of epoch ${epoch} are not known`);
    return found;
  };

  /** Learns the offices of the next epoch from the last page of the newest one. */
  follow(link: EpochLink): Promise<Followed | Refuted> {
    return judged(async () => {
      const current = this.known(this.epoch);
      if (at('epoch', () => BigInt(link.epoch)) !== this.epoch) throw new Failed('epoch', 'the link of another epoch');
      if (link.next.length > MAX_OFFICES) throw new Failed('size', 'too many offices');
      const { header, certificate } = link;
      const page = await checkPage({ header, certificate }, this.sheet, (epoch) => {
        if (epoch !== this.epoch) throw new Failed('epoch', 'certified in another epoch');
        return current;
      });
      const next = this.epoch + 1n;
      if (page.header.number !== next * this.sheet.epochLength - 1n) throw new Failed('header', 'not the last page of its epoch');
      const offices = at('set', () => link.next.map((key) => toHex(fromHex(key))));
      const named = at('set', () => officesHash(next, offices));
      if (offices.length === 0 || !ascending(offices) || !equal(named, page.header.extraData))
        throw new Failed('set', 'the next offices are not those that the page names');
      const changed = JSON.stringify(offices) !== JSON.stringify(current);
      if (changed && this.sets.length >= MAX_CHANGES) throw new Failed('size', 'begin with a newer key sheet');
      if (changed) this.sets.push([next, offices]);
      this.epoch = next;
      this.note(page.verdict);
      return { ok: true as const, epoch: next, changed };
    });
  }

  /** Checks a page, that of `height` where it is given. */
  page(proof: PageProof, height?: bigint): Promise<VerifiedPage | Refuted> {
    return judged(async () => (await this.checked(proof, height)).verdict);
  }

  /** Checks the receipt of a transaction: the page, the receipt on it, and that it is this transaction's. */
  receipt(proof: ReceiptProof, transaction: string): Promise<Verified | Refuted> {
    return judged(async () => {
      const { verdict, header } = await this.checked(proof);
      const key = at('path', () => indexKey(Number(proof.index)));
      const receipt = at('path', () => {
        const raw = fromHex(proof.receipt);
        const found = trieValue(header.receiptsRoot, key, proof.proof.map(fromHex));
        if (!found || !equal(found, raw)) throw new Error('another receipt stands there');
        return decodeReceipt(raw);
      });
      at('transaction', () => {
        const raw = fromHex(proof.transaction);
        const found = trieValue(header.transactionsRoot, key, proof.transactionProof.map(fromHex));
        const asked = toHex(keccak_256(raw)) === transaction.toLowerCase();
        if (!asked || !found || !equal(found, raw)) throw new Error('the receipt of another transaction');
      });
      return { ...verdict, receipt };
    });
  }

  /** Checks an account and its slots in the state of a page. */
  account(page: PageProof, proof: AccountProof): Promise<VerifiedState | Refuted> {
    return judged(async () => {
      const { verdict, header } = await this.checked(page);
      return { ...verdict, account: checkAccount(proof, header.stateRoot) };
    });
  }

  private async checked(proof: PageProof, height?: bigint): Promise<CheckedPage> {
    const found = await checkPage(proof, this.sheet, this.known);
    if (height !== undefined && found.verdict.height !== height) throw new Failed('header', 'another page than was asked for');
    this.note(found.verdict);
    return found;
  }

  private note({ height, hash, timestamp }: VerifiedPage): void {
    if (!this.head || this.head.height < height) this.head = { height, hash, timestamp };
  }

  /** Everything it knows, as text for the device's memory. */
  save(): string {
    const head = this.head && { ...this.head, height: `${this.head.height}`, timestamp: `${this.head.timestamp}` };
    const sets = this.sets.map(([first, keys]): [string, string[]] => [`${first}`, keys]);
    const saved: Saved = { sheet: printKeySheet(this.sheet), epoch: `${this.epoch}`, sets, head };
    return JSON.stringify(saved);
  }

  /** Goes on from what was saved on this device. Null where the text is not that. */
  static load(text: string): LightClient | null {
    try {
      const saved = JSON.parse(text) as Saved;
      const client = new LightClient(parseKeySheet(saved.sheet));
      client.epoch = BigInt(saved.epoch);
      client.sets = saved.sets.map(([first, keys]) => [BigInt(first), keys]);
      client.head = saved.head && { ...saved.head, height: BigInt(saved.head.height), timestamp: BigInt(saved.head.timestamp) };
      return client;
    } catch {
      return null;
    }
  }
}

/** The verdict on a proof: a failed step becomes an answer. */
async function judged<T>(work: () => Promise<T>): Promise<T | Refuted> {
  try {
    return await work();
  } catch (error) {
    // Whatever else a hostile answer breaks (a missing member, say) breaks before a step could name it.
    if (error instanceof Failed) return { ok: false, step: error.step, reason: error.message };
    return { ok: false, step: 'size', reason: 'unreadable' };
  }
}
