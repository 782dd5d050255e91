/** Acts of people who are not at the browser in a story: the same calls, signed with their demo keys. */
import { readFileSync } from 'node:fs';
import { createPublicClient, createWalletClient, defineChain, http, keccak256, toHex, type Abi, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { base } from './people';

const generated = new URL('../src/generated/', import.meta.url);
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, generated), 'utf8'));
export const addresses = read('addresses.json') as Record<string, Hex>;

const chain = async () => {
  const id = await createPublicClient({ transport: http(base()) }).getChainId();
  return defineChain({
    id,
    name: 'Tulou',
    nativeCurrency: { name: 'none', symbol: 'none', decimals: 18 },
    rpcUrls: { default: { http: [base()] } },
  });
};

/** Headers of a demo person who has signed in. */
async function headers(who: string): Promise<Record<string, string>> {
  const post = async (path: string, body: object): Promise<unknown> => {
    const answer = await fetch(`${base()}/api/v1/session${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${who} does not sign in: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const at = `${base()} ${who}`;
  const known = tokens.get(at);
  if (known) return known;
  const account = privateKeyToAccount(keccak256(toHex(`tulou-demo:${who}`)));
  const { message } = (await post('/challenge', { account: account.address })) as { message: string };
  const { token } = (await post('', { message, signature: await account.signMessage({ message }) })) as { token: string };
  const made = { authorization: `Bearer ${token}` };
  tokens.set(at, made);
  return made;
}
const tokens = new Map<string, Record<string, string>>();

/** Makes a call as a demo person and waits until it is final; fails where it was refused. */
export async function act(who: string, module: string, call: string, args: readonly unknown[]): Promise<void> {
  const on = await chain();
  const account = privateKeyToAccount(keccak256(toHex(`tulou-demo:${who}`)));
  const abi = read(`abi/${module}.json`) as Abi;
  const transport = http(base(), { fetchOptions: { headers: await headers(who) } });
  const reader = createPublicClient({ chain: on, transport, pollingInterval: 100 });
  const { request } = await reader.simulateContract({ account, address: addresses[module] as Hex, abi, functionName: call, args });
  const hash = await createWalletClient({ account, chain: on, transport }).writeContract({
    ...request,
    gas: 4_000_000n,
    maxFeePerGas: 0n,
    maxPriorityFeePerGas: 0n,
  } as never);
  const receipt = await reader.waitForTransactionReceipt({ hash });
  if (receipt.status !== 'success') throw new Error(`${call} by ${who} was refused`);
}

/** Moves the clock of the dev node forward. */
export async function wait(seconds: number): Promise<void> {
  const answer = await fetch(base(), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'evm_increaseTime', params: [seconds] }),
  });
  const body = (await answer.json()) as { error?: { message: string } };
  if (body.error) throw new Error(body.error.message);
}

export async function view<T>(path: string): Promise<T> {
  const answer = await fetch(`${base()}/api/v1/${path}`, { headers: await headers('registrar') });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** Reads until it fits; the keeper needs a moment after the clock has moved. */
export async function until<T>(path: string, fits: (value: T) => boolean): Promise<T> {
  const end = Date.now() + 30_000;
  for (;;) {
    const value = await view<T>(path);
    if (fits(value)) return value;
    if (Date.now() > end) throw new Error(`${path} never fits: ${JSON.stringify(value).slice(0, 300)}`);
    await new Promise((done) => setTimeout(done, 300));
  }
}
