/**
 * A book with members of our choosing, served with the built app by a server of its own: pages are truly signed, so
 * that the app checks them as it would check a real one. States that real processes reach only by luck are set here.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { concatHex, keccak256, numberToHex, toHex, toRlp, type Hex } from 'viem';
import { namespaceOf, printKeySheet, type KeySheet } from '../verifier/src/sheet';

const dist = new URL('../dist/', import.meta.url).pathname;
const CHAIN = 820;
/** Long enough that every page is of the first epoch. */
const EPOCH = 100_000;
const GENESIS: Hex = keccak256('0x74756c6f75');
const EMPTY_ROOT: Hex = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421';
const zero = (n: number): Hex => `0x${'00'.repeat(n)}`;

export type State = 'agrees' | 'behind' | 'stopped' | 'differs';
export interface Office {
  name: string;
  state?: State;
  /** Leaves its signature off from this page on. */
  silentFrom?: number;
  behind?: number;
}
export interface BookPlan {
  offices: Office[];
  height?: number;
  stalled?: { sinceMs: number; missing: number[]; needed: number; have: number } | null;
  /** Signs pages with keys that the node does not name. */
  forged?: boolean;
  demo?: boolean;
  /** Title of a proposal that the council votes on. */
  proposal?: string;
}

interface Keeper extends Office {
  secret: Uint8Array;
  key: Hex;
}

/** Digest of the web app that the book's server tells. */
export const APP = `0x${'5a'.repeat(32)}`;

export class Book {
  plan: BookPlan;
  /** Answers nothing while true, as a server that went away. */
  away = false;
  readonly turned: string[] = [];
  private server: Server | undefined;
  private readonly keepers: Keeper[];

  constructor(plan: BookPlan) {
    this.plan = plan;
    this.keepers = plan.offices.map((o, i) => {
      const secret = new Uint8Array(32).fill(i + 1);
      return { ...o, secret, key: toHex(ed25519.getPublicKey(secret)) };
    });
  }

  async start(): Promise<string> {
    const server = createServer((request, response) => void this.answer(request, response));
    this.server = server;
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return `http://localhost:${(server.address() as AddressInfo).port}`;
  }
  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((done) => this.server?.close(done));
  }

  private get height(): number {
    return this.plan.height ?? 48_213;
  }
  /** The set as a certificate orders it. */
  private get set(): Keeper[] {
    return [...this.keepers].sort((a, b) => (a.key < b.key ? -1 : 1));
  }
  /** What hangs in the lobby. */
  get sheet(): KeySheet {
    return { chainId: BigInt(CHAIN), genesis: GENESIS, epochLength: BigInt(EPOCH), epoch: 0n, validators: this.set.map((k) => k.key) };
  }
  private time(height: number): number {
    return 1_773_106_866 - (this.height - height) * 7;
  }

  private consortium(): unknown {
    const { offices, stalled } = this.plan;
    const n = offices.length;
    return {
      ledger: { name: 'guihua', chainId: CHAIN, genesis: GENESIS },
      me: this.keepers[0]?.key,
      program: 'tulou 0.3.0',
      release: '3',
      protocol: 'tulou/1',
      height: this.height,
      hash: keccak256(this.header(this.height)),
      timestamp: this.time(this.height),
      finalAtMs: Date.now() - 400,
      epoch: Math.floor(this.height / EPOCH),
      epochLength: EPOCH,
      view: this.height + 12,
      leader: this.keepers[1]?.key ?? this.keepers[0]?.key,
      quorum: n - Math.floor((n - 1) / 3),
      voting: true,
      observingUntil: null,
      members: this.keepers.map((k, i) => {
        const state = offices[i]?.state ?? 'agrees';
        const behind = this.behind(i);
        return {
          name: k.name,
          account: zero(20),
          key: k.key,
          kind: 'validator',
          endpoint: `127.0.0.1:${9700 + i}`,
          inSet: true,
          connected: state !== 'stopped',
          lastSeenMs: state === 'stopped' ? 62_000 : 300,
          height: this.height - behind,
          hash: keccak256(this.header(this.height - behind)),
          program: 'tulou 0.3.0',
          release: '3',
          clockOffsetMs: i * 3 - 4,
          signedLast: 100 - i - behind,
          ofLast: 100,
          lastSignedHeight: this.height - behind - (i % 2),
          state,
        };
      }),
      stalled: stalled ? { ...stalled, missing: stalled.missing.map((i) => this.keepers[i]?.key), reason: 'too few validators' } : null,
    };
  }

  private header(height: number): Hex {
    const quantity = (x: number): Hex => (x === 0 ? '0x' : numberToHex(x));
    return toRlp([
      zero(32),
      zero(32),
      zero(20),
      zero(32),
      zero(32),
      EMPTY_ROOT,
      zero(256),
      '0x',
      quantity(height),
      '0x01',
      '0x',
      quantity(this.time(height)),
      '0x',
      zero(32),
      zero(8),
    ]);
  }

  private finality(height: number): unknown {
    const header = this.header(height);
    const set = this.set;
    const varint = (x: number): Hex => {
      const out: number[] = [];
      for (let rest = x; ; rest = Math.floor(rest / 128)) {
        if (rest < 128) return toHex(Uint8Array.from([...out, rest]));
        out.push((rest % 128) + 128);
      }
    };
    const proposal = concatHex([varint(0), varint(height), varint(height - 1), keccak256(header)]);
    const ns = concatHex([toHex(namespaceOf(this.sheet)), toHex('_FINALIZE')]);
    const message = concatHex([varint((ns.length - 2) / 2), ns, proposal]);
    const signs = set.map((k) => this.signs(k, height));
    const map = Array.from({ length: Math.ceil(set.length / 8) }, (_, b) =>
      signs.slice(8 * b, 8 * b + 8).reduce((m, on, i) => m | (on ? 1 << i : 0), 0),
    );
    const signatures = set
      .filter((_, i) => signs[i])
      .map((k) => toHex(ed25519.sign(Buffer.from(message.slice(2), 'hex'), this.plan.forged ? new Uint8Array(32).fill(99) : k.secret)));
    return {
      header,
      hash: keccak256(header),
      certificate: concatHex([
        proposal,
        numberToHex(set.length, { size: 8 }),
        toHex(Uint8Array.from(map)),
        varint(signatures.length),
        ...signatures,
      ]),
      namespace: toHex(namespaceOf(this.sheet)),
      epoch: 0,
      epochLength: EPOCH,
      validators: set.map((k) => k.key),
      chain: { id: CHAIN, genesis: GENESIS },
    };
  }

  private signs(k: Keeper, height: number): boolean {
    const i = this.keepers.indexOf(k);
    const now = this.plan.offices[i];
    if (now?.silentFrom !== undefined) return height < now.silentFrom;
    return (now?.state ?? 'agrees') === 'agrees' || height <= this.height - this.behind(i);
  }

  /** Pages that a member lacks. Once the book waits, those who stopped lack none. */
  private behind(i: number): number {
    const office = this.plan.offices[i];
    if ((office?.state ?? 'agrees') === 'agrees') return 0;
    return office?.behind ?? (this.plan.stalled ? 0 : 12);
  }

  /** One proposal before the council, where the plan has a title for it. */
  private council(path: string): unknown {
    const title = this.plan.proposal;
    if (path.endsWith('/council/members')) return { items: [{ id: '1', name: this.keepers[1]?.name }], next: null };
    if (path.endsWith('/council/tally'))
      return { in_favour: '3', against: '0', participation: { left_factor: 3, left_value: 3, right_factor: 2, right_value: 5 } };
    if (!path.endsWith('/council/proposals') || !title) return { items: [], next: null };
    const closes = this.time(this.height) + 3 * 86_400;
    return { items: [{ id: '1', state: 1, proposer: '1', title, closes_at: closes, executable_at: closes + 86_400 }], next: null };
  }

  private rpc(method: string, params: unknown[]): unknown {
    if (method === 'eth_chainId') return '0x334';
    const height = params[0] === 'latest' ? this.height : Number(params[0]);
    if (method === 'tulou_getFinality') return height >= 1 && height <= this.height ? this.finality(height) : null;
    if (method === 'tulou_getKeySheet') return { text: printKeySheet(this.sheet) };
    if (method === 'eth_getBlockByNumber') return { timestamp: numberToHex(this.time(height)) };
    if (method === 'eth_getBlockReceipts') return [];
    return undefined;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const json = (body: unknown, status = 200): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const calls = request.method === 'POST' || pathname.startsWith('/api/') || pathname.startsWith('/consortium/');
    if (this.away && calls) return void response.destroy();
    if (pathname === '/api/v1/node/consortium') return json(this.consortium());
    if (pathname === '/api/v1/node/web') return json({ digest: APP, files: [] });
    if (pathname.startsWith('/api/')) return json(this.council(pathname));
    if (pathname === '/consortium/members' && this.plan.demo)
      return json(
        this.keepers.map((k, index) => ({
          index,
          name: k.name,
          key: k.key,
          running: this.plan.offices[index]?.state !== 'stopped',
          pid: 1,
        })),
      );
    const turn = /^\/consortium\/members\/(\d+)\/(stop|start)$/.exec(pathname);
    if (turn && request.method === 'POST') {
      this.turned.push(`${turn[2]} ${turn[1]}`);
      const office = this.plan.offices[Number(turn[1])];
      if (office) office.state = turn[2] === 'stop' ? 'stopped' : 'agrees';
      return json({});
    }
    if (request.method === 'POST') {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const { id, method, params } = JSON.parse(body) as { id: number; method: string; params: unknown[] };
      const result = this.rpc(method, params);
      return json(
        result === undefined ? { jsonrpc: '2.0', id, error: { code: -32601, message: 'no such call' } } : { jsonrpc: '2.0', id, result },
      );
    }
    file(pathname, response);
  }
}

const types: Record<string, string> = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.html': 'text/html' };

function file(pathname: string, response: ServerResponse): void {
  const path = join(dist, pathname);
  const found = path.startsWith(dist) && pathname !== '/' && existsSync(path) ? path : join(dist, 'index.html');
  response
    .writeHead(200, {
      'content-type': types[extname(found)] ?? 'application/octet-stream',
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; manifest-src 'self'; media-src 'self' blob:",
    })
    .end(readFileSync(found));
}

/** Five offices as the demo estate has them. */
export const five = (): Office[] => ['区住建局', '街道办', '开户行', '物业公司', '业委会'].map((name) => ({ name }));
