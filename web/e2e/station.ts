/**
 * A body outside the estate that checks who people are, as `docs/reference/attestors.md` asks of one: a page of its own over
 * HTTPS, and statements signed by viem. It recognises everybody; what it is told to get wrong, it gets wrong.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address, Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { base } from './people';
import { view } from './wire';

const fields = {
  attestor: 'uint64',
  method: 'uint8',
  account: 'address',
  unit: 'uint64',
  owner: 'bytes32',
  issuedAt: 'uint64',
  expiresAt: 'uint64',
  nonce: 'bytes32',
};
const types = { Statement: Object.entries(fields).map(([name, type]) => ({ name, type })) };

/** What the person's page at the body offers, by the words of its links. */
const ANSWERS = ['核对上了', '不做核验', '没认出来', '给过期的', '别家的签名', '别人的账户'] as const;
type Answer = (typeof ANSWERS)[number];

export interface Station {
  page: string;
  key: Address;
  stop(): Promise<void>;
}

export async function station(): Promise<Station> {
  const signer = privateKeyToAccount(generatePrivateKey());
  const folder = mkdtempSync(join(tmpdir(), 'tulou-station-'));
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const pair = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-keyout', keyFile, '-out', certFile];
  execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', '-subj', '/CN=localhost', ...pair], { stdio: 'ignore' });
  const server: Server = createServer({ key: readFileSync(keyFile), cert: readFileSync(certFile) }, (asked, answer) => {
    const url = new URL(asked.url ?? '/', 'https://localhost');
    const said = url.searchParams;
    // Only to the estate's own page: nobody is sent anywhere else with a statement.
    if (said.get('return') !== `${base()}/join`) answer.writeHead(400).end('not an address of this estate');
    else if (url.pathname === '/check') answer.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(offer(said));
    else
      answered(signer, said).then(
        (back) => answer.writeHead(302, { location: back }).end(),
        (cause: unknown) => answer.writeHead(500).end(String(cause)),
      );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    rmSync(folder, { recursive: true, force: true });
  };
  return { page: `https://localhost:${port}/check`, key: signer.address, stop };
}

function offer(said: URLSearchParams): string {
  const account = said.get('account') ?? '';
  const links = ANSWERS.map(
    (words) => `<p><a href="/answer?${said.toString().replaceAll('&', '&amp;')}&amp;how=${words}">${words}</a></p>`,
  );
  const who = `${said.get('home') ?? ''} · ${account.slice(0, 6)}…${account.slice(-4)}`;
  return `<!doctype html><html lang="zh"><title>核验</title><h1>核验您的身份</h1><p>${who.replace(/[<&]/g, '')}</p>${links.join('')}</html>`;
}

/** Where the person is sent back to. */
async function answered(signer: ReturnType<typeof privateKeyToAccount>, said: URLSearchParams): Promise<string> {
  const how = said.get('how') as Answer;
  const state = said.get('state');
  const back = (answer: object): string =>
    `${said.get('return')}#attest.${Buffer.from(JSON.stringify({ state, ...answer })).toString('base64url')}`;
  if (how === '不做核验') return back({ error: 'declined' });
  if (how === '没认出来') return back({ error: 'notRecognised' });
  const unit = await view<{ id: string }>(`registry/unit_by_code?code=${said.get('home')}`);
  const [holding] = await view<{ owner: Hex }[]>(`registry/holdings_of?of_unit=${unit.id}`);
  const now = Math.floor(Date.now() / 1000) - (how === '给过期的' ? 3_600 : 0);
  const message = {
    attestor: said.get('attestor'),
    method: said.get('method') === 'face' ? 2 : 1,
    account: how === '别人的账户' ? signer.address : said.get('account'),
    unit: unit.id,
    owner: holding?.owner,
    issuedAt: String(now),
    expiresAt: String(now + 3_600),
    nonce: generatePrivateKey(),
  };
  const by = how === '别家的签名' ? privateKeyToAccount(generatePrivateKey()) : signer;
  const domain = { name: 'Tulou', version: '1', chainId: Number(said.get('ledger')), verifyingContract: said.get('module') as Address };
  const signature = await by.signTypedData({ domain, types, primaryType: 'Statement', message: message as never });
  return back({ statement: message, signature });
}
