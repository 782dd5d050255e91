/** Starts and ends one node per test file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

const binary = process.env.TULOU_BIN ?? fileURLToPath(new URL('../../../target/debug/tulou', import.meta.url));

/** The phrase whose accounts every dev chain funds. */
export const MNEMONIC = 'test test test test test test test test test test test junk';
/** Longest that a node may take to answer for the first time. */
const START_MS = 60_000;
/** Longest that a node may take to end by itself. */
const STOP_MS = 10_000;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A node without the demo estate, ready to answer; `more` are arguments. `stop` ends it and removes its folder. */
export async function startNode(more = []) {
  const dir = await mkdtemp(join(tmpdir(), 'tulou-clients-'));
  const port = await freePort();
  const args = ['dev', '--empty', '--dir', join(dir, 'chain'), '--port', String(port), ...more];
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { said = (said + text).slice(-20_000); });
  const failed = new Promise((_, reject) => child.once('error', reject));
  failed.catch(() => {});
  const url = `http://127.0.0.1:${port}`;
  const node = {
    url,
    ws: `ws://127.0.0.1:${port}`,
    said: () => said,
    alive: () => child.exitCode === null && child.signalCode === null,
    async stop() {
      if (node.alive()) {
        child.kill('SIGTERM');
        const ended = once(child, 'exit');
        const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
        await ended;
        clearTimeout(late);
      }
      await rm(dir, { recursive: true, force: true });
    },
  };
  const end = Date.now() + START_MS;
  while (Date.now() < end && node.alive()) {
    const ready = await Promise.race([answers(url), failed]);
    if (ready) return node;
    await sleep(100);
  }
  await node.stop();
  throw new Error(`the node did not answer: ${binary} ${args.join(' ')}\n${said}`);
}

async function answers(url) {
  try {
    return (await rpc(url, 'eth_blockNumber', [])).result !== undefined;
  } catch {
    return false;
  }
}

/** One JSON-RPC call without any client: the whole answer. */
export async function rpc(url, method, params) {
  const { json } = await post(url, JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
  return json;
}

/** Posts a body as it is. `json` is undefined where the answer is none. */
export async function post(url, body) {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const text = await response.text();
  let json;
  try { json = JSON.parse(text); } catch { /* an answer of HTTP alone */ }
  return { status: response.status, text, json };
}
