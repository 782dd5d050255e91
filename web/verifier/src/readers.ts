/** Reading from several nodes of which some may lie: what is checked counts, and who lied is named. */
import type { EpochLink, LightClient, ReceiptProof, Verified } from './light';
import type { PageProof, Refuted, Step, VerifiedPage } from './page';

/** One node. `ask` gives the result of a JSON-RPC call and throws `Refusal` or anything else where there is none. */
export interface Node {
  name: string;
  ask(method: string, params: unknown[]): Promise<unknown>;
}

/** A node that answers, but says that it does not have what was asked. */
export class Refusal extends Error {}

/**
 * What a node did. `agrees`: its newest page is certified and new. `behind`: certified, but older than others or than the clock
 * allows: an old page as the newest. `altered`: what it showed proves nothing. `other`: another book. `forked`: a certified page that
 * contradicts a certified page: then the offices themselves lied, not this node alone. `refused`: it says that it does not have it.
 * `silent`: no answer.
 */
export type Finding = 'agrees' | 'behind' | 'altered' | 'other' | 'forked' | 'refused' | 'silent';

export interface NodeReport {
  name: string;
  finding: Finding;
  /** Height of the newest page it showed, where that page holds. */
  height?: bigint;
  /** Seconds by which its newest page is older than the newest of all. */
  behindS?: number;
  /** Where it was refuted: the step. */
  step?: Step;
  reason?: string;
}

export interface HeadReport {
  /** The newest certified page of all nodes; null where no node showed one. */
  head: VerifiedPage | null;
  /** Seconds by which even that is older than the reader's clock, where that is too much; else 0. */
  staleS: number;
  nodes: NodeReport[];
}

export interface ReceiptReport {
  receipt: Verified | null;
  nodes: NodeReport[];
}

/** An idle book writes a page every few seconds; one that shows none for this long is behind. */
const BEHIND_S = 60;
/** Most epochs followed in one go, and most links asked for at a time. */
const MAX_EPOCHS = 100_000;
const AT_ONCE = 32;

/** A node over HTTP. */
export function overHttp(url: string, timeoutMs = 10_000): Node {
  let id = 0;
  return {
    name: url,
    async ask(method, params) {
      id += 1;
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const body = (await answer.json()) as { result?: unknown; error?: { message?: string } };
      if (body.error) throw new Refusal(body.error.message ?? 'refused');
      return body.result;
    },
  };
}

/**
 * Asks all nodes for their newest page, follows the epochs up to there, and says of each node what it did. `now` is the reader's
 * clock in seconds.
 */
export async function readFrom(nodes: Node[], client: LightClient, now = Date.now() / 1000): Promise<HeadReport> {
  const before = client.head;
  const shown = await Promise.all(nodes.map((node) => asked<PageProof>(node, 'tulou_getFinality', ['latest'])));
  const reports: NodeReport[] = [];
  const pages: (VerifiedPage | null)[] = [];
  for (const [i, node] of nodes.entries()) {
    const answer = shown[i];
    const { report, page } = await judge(node, answer, nodes, client);
    reports.push(report);
    pages.push(page);
  }
  const good = pages.filter((page) => page !== null);
  const head = good.reduce<VerifiedPage | null>((best, page) => (!best || page.height > best.height ? page : best), null);
  const newest = Math.max(Number(head?.timestamp ?? 0n), Number(before?.timestamp ?? 0n));
  for (const [i, page] of pages.entries()) {
    const report = reports[i];
    if (!page || !report) continue;
    const twin = good.find((other) => other.height === page.height && other.hash !== page.hash);
    const behindS = newest - Number(page.timestamp);
    if (twin) Object.assign(report, { finding: 'forked', reason: `two certified pages ${page.height}` });
    else if (behindS > BEHIND_S) Object.assign(report, { finding: 'behind', behindS });
  }
  const age = Math.floor(now) - newest;
  return { head, staleS: head && age > BEHIND_S ? age : 0, nodes: reports };
}

async function judge(
  node: Node,
  answer: Answer<PageProof> | undefined,
  nodes: Node[],
  client: LightClient,
): Promise<{ report: NodeReport; page: VerifiedPage | null }> {
  if (!answer || 'finding' in answer) return { report: { name: node.name, finding: 'silent', ...answer }, page: null };
  if (!answer.value) return { report: { name: node.name, finding: 'refused', reason: 'no page' }, page: null };
  let verdict = await client.page(answer.value);
  if (!verdict.ok && verdict.step === 'epoch') {
    // The node that shows the page is asked first: it must know the way there.
    await followEpochs([node, ...nodes.filter((other) => other !== node)], client);
    verdict = await client.page(answer.value);
  }
  if (!verdict.ok) return { report: refuted(node, answer.value, verdict, client), page: null };
  return { report: { name: node.name, finding: 'agrees', height: verdict.height }, page: verdict };
}

/** Follows the epochs as far as any of the nodes leads. Returns the nodes that gave a wrong link. */
export async function followEpochs(nodes: Node[], client: LightClient): Promise<NodeReport[]> {
  const wrong: NodeReport[] = [];
  for (const node of nodes) {
    // One link first: most readers are not behind. Then more and more at a time.
    for (let epochs = 0, size = 1; epochs < MAX_EPOCHS; epochs += size, size = Math.min(2 * size, AT_ONCE)) {
      const wanted = Array.from({ length: size }, (_, i) => Number(client.epoch) + i);
      const answers = await Promise.all(wanted.map((epoch) => asked<EpochLink>(node, 'tulou_getEpochLink', [epoch])));
      let followed = 0;
      for (const answer of answers) {
        if ('finding' in answer || !answer.value) break;
        const verdict = await client.follow(answer.value);
        if (!verdict.ok) {
          wrong.push({ name: node.name, finding: 'altered', step: verdict.step, reason: verdict.reason });
          break;
        }
        followed += 1;
      }
      if (followed < size) break;
    }
  }
  return wrong;
}

/** Asks all nodes for the receipt of a transaction; the first that holds counts, and who showed another is named. */
export async function receiptFrom(nodes: Node[], client: LightClient, transaction: string): Promise<ReceiptReport> {
  const answers = await Promise.all(nodes.map((node) => asked<ReceiptProof>(node, 'tulou_getReceiptProof', [transaction])));
  const reports: NodeReport[] = [];
  let receipt: Verified | null = null;
  for (const [i, node] of nodes.entries()) {
    const answer = answers[i];
    if (!answer || 'finding' in answer) {
      reports.push({ name: node.name, finding: 'silent', ...answer });
      continue;
    }
    if (!answer.value) {
      reports.push({ name: node.name, finding: 'refused', reason: 'not there' });
      continue;
    }
    let verdict = await client.receipt(answer.value, transaction);
    if (!verdict.ok && verdict.step === 'epoch') {
      await followEpochs([node, ...nodes.filter((other) => other !== node)], client);
      verdict = await client.receipt(answer.value, transaction);
    }
    if (verdict.ok) {
      receipt ??= verdict;
      reports.push({ name: node.name, finding: 'agrees', height: verdict.height });
    } else reports.push(refuted(node, answer.value, verdict, client));
  }
  return { receipt, nodes: reports };
}

/** A refuted node: one that says itself that its book is another is not a liar but a wrong address. */
function refuted(node: Node, proof: PageProof, { step, reason }: Refuted, client: LightClient): NodeReport {
  const says = (proof as { chain?: { genesis?: unknown } }).chain?.genesis;
  const other = typeof says === 'string' && says.toLowerCase() !== client.sheet.genesis.toLowerCase();
  return { name: node.name, finding: other ? 'other' : 'altered', step, reason };
}

type Answer<T> = { value: T | null } | { finding: 'refused' | 'silent'; reason: string };

async function asked<T>(node: Node, method: string, params: unknown[]): Promise<Answer<T>> {
  try {
    return { value: ((await node.ask(method, params)) ?? null) as T | null };
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'no answer';
    return { finding: error instanceof Refusal ? 'refused' : 'silent', reason };
  }
}
