/** Starts one node with the demo estate in a folder of its own and ends it after the tests. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Seeding a year of the estate takes a while on a slow machine. */
const PATIENCE_MS = 180_000;

/** The program under test. */
export function tulou(): string {
  const binary = process.env.TULOU_BIN ?? new URL('../../target/debug/tulou', import.meta.url).pathname;
  if (!existsSync(binary)) throw new Error(`no node at ${binary}: build it, or set TULOU_BIN`);
  return binary;
}

/** The node that the other tests share. */
export default async function start(): Promise<() => Promise<void>> {
  if (process.env.TULOU_URL) return async () => {};
  const { url, stop } = await demoNode();
  process.env.TULOU_URL = url;
  return stop;
}

export interface Running {
  url: string;
  stop(): Promise<void>;
}

/** A node with the demo estate, in a folder of its own. */
export async function demoNode(...args: string[]): Promise<Running> {
  const binary = tulou();
  const folder = mkdtempSync(join(tmpdir(), 'tulou-e2e-'));
  const port = await freePort();
  const node = spawn(binary, ['dev', '--dir', folder, '--port', String(port), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let printed = '';
  node.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  node.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4_000);
  });
  const url = `http://localhost:${port}`;
  // The address is printed when the estate's story is told; reads are answered earlier.
  await ready(
    node,
    url,
    () => printed.includes('http://'),
    () => said,
  );
  const stop = async (): Promise<void> => {
    const over = new Promise((done) => node.once('exit', done));
    node.kill('SIGTERM');
    await over;
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, stop };
}

async function ready(node: ChildProcess, url: string, told: () => boolean, said: () => string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    if (node.exitCode !== null) throw new Error(`the node ended with ${node.exitCode}:\n${said()}`);
    const answer = await fetch(`${url}/api/v1/registry/totals`).catch(() => null);
    if (answer?.ok && told()) return;
    await new Promise((done) => setTimeout(done, 250));
  }
  node.kill('SIGKILL');
  throw new Error(`the node did not answer in ${PATIENCE_MS / 1000} s:\n${said()}`);
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      server.close(() => done(port));
    });
  });
}
