/** Nodes that lie, made of the shared vectors: true pages, old ones, altered ones, those of another book. */
import { expect, it, vi } from 'vitest';
import { followEpochs, overHttp, readFrom, receiptFrom, Refusal, type Node, type PageProof } from '../src/index';
import { asPage, asReceipt, clientAt, named, vectors } from './vectors';

/** Time of the page 14 seconds-wise: pages are 5 s apart in the vectors. */
const timeOf = (height: number) => 1_790_000_000 + 5 * height;
const newest = asPage(named('page: of an epoch with five offices'));
const old = asPage(named('page: of the first epoch'));
const receipt = named('receipt: 3 on page 2');

function node(name: string, latest: PageProof, change: Record<string, unknown> = {}): Node {
  return {
    name,
    ask: (method, params) => {
      if (method in change) return Promise.resolve(change[method]);
      if (method === 'tulou_getFinality') return Promise.resolve(latest);
      if (method === 'tulou_getReceiptProof') return Promise.resolve(receipt.proof);
      const link = vectors.links[Number(params[0])];
      return link ? Promise.resolve(link) : Promise.reject(new Refusal('the epoch is not over'));
    },
  };
}

const silent: Node = { name: 'silent', ask: () => Promise.reject(new Error('no route')) };

it('follows the epochs to the newest page of honest nodes', async () => {
  const client = await clientAt(0);
  const report = await readFrom([node('a', newest), node('b', newest)], client, timeOf(9));
  expect(report).toMatchObject({ head: { height: 9n }, staleS: 0, nodes: [{ finding: 'agrees' }, { finding: 'agrees' }] });
  expect(client.epoch).toBe(3n);
});

it('names the node that alters a page, and the one that is silent', async () => {
  const client = await clientAt(0);
  const altered = { ...newest, header: `${newest.header.slice(0, -1)}${newest.header.endsWith('0') ? '1' : '0'}` };
  const report = await readFrom([node('liar', altered), silent, node('honest', newest)], client, timeOf(9));
  expect(report.head?.height).toBe(9n);
  expect(report.nodes).toMatchObject([
    { name: 'liar', finding: 'altered', step: 'header' },
    { name: 'silent', finding: 'silent', reason: 'no route' },
    { name: 'honest', finding: 'agrees', height: 9n },
  ]);
});

it('names the node that shows an old page as the newest', async () => {
  const late = named('receipt: 139 on page 13');
  const client = await clientAt(3);
  // The book stood still for two minutes between the two pages.
  const far = { ...asReceipt(late) };
  const report = await readFrom([node('liar', old), node('honest', far)], client, timeOf(13));
  expect(report.nodes.map((x) => x.finding)).toEqual(['agrees', 'agrees']);
  expect(report.head?.height).toBe(13n);
  // Seconds later both stand, but minutes later even the newest is old by the reader's clock.
  expect((await readFrom([node('honest', far)], client, timeOf(13) + 30)).staleS).toBe(0);
  expect((await readFrom([node('honest', far)], client, timeOf(13) + 600)).staleS).toBe(600);
  // What was seen once is not unseen: an old page is behind the reader's own memory.
  client.head = { height: 99n, hash: '0x', timestamp: BigInt(timeOf(13) + 100) };
  const again = await readFrom([node('liar', old)], client, timeOf(13) + 100);
  expect(again.nodes).toMatchObject([{ name: 'liar', finding: 'behind', behindS: 155 }]);
});

it('tells another book from a lie', async () => {
  const client = await clientAt(0);
  const foreign = asPage(named('page: of another book with the same offices'));
  const says = { ...foreign, chain: { id: 7756, genesis: `0x${'22'.repeat(32)}` } };
  const hides = { ...foreign, chain: { id: 7755, genesis: vectors.genesis } };
  const report = await readFrom([node('other', says), node('liar', hides)], client, timeOf(9));
  expect(report.head).toBeNull();
  expect(report.nodes).toMatchObject([
    { name: 'other', finding: 'other' },
    { name: 'liar', finding: 'altered', step: 'certificate' },
  ]);
});

it('names the node that gives a wrong link, and goes on with another', async () => {
  const client = await clientAt(0);
  const liar = node('liar', newest, { tulou_getEpochLink: { ...vectors.links[0], next: vectors.links[1]?.next } });
  const wrong = await followEpochs([liar, node('honest', newest)], client);
  expect(wrong).toMatchObject([{ name: 'liar', finding: 'altered', step: 'set' }]);
  expect(client.epoch).toBe(3n);
});

it('names the node that shows the receipt of another transaction', async () => {
  const client = await clientAt(0);
  const other = named('receipt: 0 on page 2');
  const liar = node('liar', newest, { tulou_getReceiptProof: other.proof });
  const none = node('none', newest, { tulou_getReceiptProof: null });
  const report = await receiptFrom([liar, none, node('honest', newest)], client, receipt.transaction ?? '');
  expect(report.receipt?.receipt.ok).toBe(true);
  expect(report.nodes).toMatchObject([
    { name: 'liar', finding: 'altered', step: 'transaction' },
    { name: 'none', finding: 'refused' },
    { name: 'honest', finding: 'agrees' },
  ]);
});

it('speaks JSON-RPC, and tells a refusal from no answer', async () => {
  const answers = [{ result: old }, { error: { code: -32000, message: 'not kept here' } }];
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(() => {
    const next = answers.shift();
    return next ? Promise.resolve(Response.json({ jsonrpc: '2.0', id: 1, ...next })) : Promise.reject(new TypeError('no route'));
  });
  const far = overHttp('http://node.example');
  expect(await far.ask('tulou_getFinality', ['0x2'])).toEqual(old);
  await expect(far.ask('tulou_getFinality', ['0x2'])).rejects.toBeInstanceOf(Refusal);
  await expect(far.ask('tulou_getFinality', ['0x2'])).rejects.toBeInstanceOf(TypeError);
  spy.mockRestore();
});
