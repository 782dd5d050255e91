/**
 * The write path, and the only file that knows viem. Loaded on the first write.
 * A call is encoded by the ABI of its module, signed by whoever acts, sent, waited for and checked here.
 */
import { decodeErrorResult, encodeFunctionData, keccak256, type Abi, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { SELF } from './actor.svelte';
import { demoKey } from './demo';
import { Explained, NoAnswer, Refusal } from './failure';
import { people } from './i18n/people.svelte';
import { allErrors, moduleAbi, moduleAddress, type ModuleName } from './modules';
import { check, type Checked } from './checking';
import { ownAccount } from './passkey/store';
import type { Wanted } from './passkey/signer';
import { remember, type Waiting } from './waiting.svelte';
import { rpc, RpcError, SIGN_IN_NEEDED } from './rpc';
import { toHex } from '$verifier/bytes';

export interface Written {
  hash: string;
  checked: Checked | null;
  /** It was signed and not yet sent. */
  waits?: true;
}

/** Longest wait for an answer before the screen says "sent, waiting". */
const WAIT_MS = 10_000;
const GAS_CEILING = 16_777_216n;

/** What a node says of an account before it takes anything; it stands in no module's interface. */
const AT_THE_DOOR: readonly (readonly [RegExp, string])[] = [
  [/ is frozen by /, 'AccountFrozen'],
  [/ no longer does: after a recovery /, 'RootMoved'],
];

/** What is signed. `before`: first second in which it no longer counts; none for no bound. */
export interface Draft {
  chainId: number;
  nonce: number;
  gas: bigint;
  calls: [{ to: Hex; data: Hex }];
  before?: number;
}

/** Whoever signs. */
export interface Signer {
  /** The account. */
  address: Hex;
  /** Gas that its signature takes beyond what an estimate says. */
  extraGas: bigint;
  /** Nobody is asked for a finger. */
  quiet?: boolean;
  /** The bytes to send. */
  sign(draft: Draft): Promise<Hex>;
}

/** What a call is beyond its name. */
export interface How {
  /** Where it goes, where that is not the module's own address: an asset. */
  to?: Hex;
  abi?: Abi;
  /** Fen that it takes from the account. */
  spends?: bigint;
  /** A small act, and what its receipt will say: without a network it waits on this device and is sent later. */
  waits?: Waiting['slip'];
}

/** One of the demo: a plain transaction with a key that anyone can make. */
function demoSigner(name: string): Signer {
  const account = privateKeyToAccount(toHex(demoKey(name)) as Hex);
  const free = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n, value: 0n };
  return {
    address: account.address,
    extraGas: 0n,
    sign: ({ calls: [call], chainId, nonce, gas }) => account.signTransaction({ type: 'eip1559', ...free, chainId, nonce, gas, ...call }),
  };
}

/**
 * Makes a call as someone of the demo or as the person of this device. Throws `Refusal` where the rules say no,
 * `NoAnswer` where nobody answered in time, `Explained` where the device gave no signature.
 */
export async function write(as: string, module: ModuleName, call: string, args: readonly unknown[], how: How = {}): Promise<Written> {
  const abi = how.abi ?? (await moduleAbi(module));
  const to = how.to ?? moduleAddress(module);
  const data = encodeFunctionData({ abi, functionName: call, args });
  const wanted = { to, selector: data.slice(0, 10), spends: how.spends ?? 0n };
  if (how.waits && as === SELF && !navigator.onLine) return { hash: await putAside(data, wanted, how.waits), checked: null, waits: true };
  const signer = as === SELF ? await (await import('./passkey/signer')).selfSigner(wanted) : demoSigner(as);
  const from = signer.address;
  try {
    const chainId = await chainNumber();
    const [nonce, gas] = await Promise.all([
      rpc<string>('eth_getTransactionCount', [from, 'pending']),
      estimate({ from, to, data }, signer.extraGas),
    ]);
    const signed = await signer.sign({ chainId, nonce: Number(nonce), gas, calls: [{ to, data }] });
    const hash = keccak256(signed);
    await send(signed, hash, { from, to, data });
    remember({ account: from.toLowerCase(), chainId, next: Number(nonce) + 1 });
    return { hash, checked: await check(hash) };
  } catch (cause) {
    // A fetch that failed before anything was signed; after that nobody knows, and `send` says so.
    if (cause instanceof TypeError && how.waits && signer.quiet)
      return { hash: await putAside(data, wanted, how.waits), checked: null, waits: true };
    throw cause;
  }
}

async function chainNumber(): Promise<number> {
  chainId ??= Number(await rpc<string>('eth_chainId'));
  return chainId;
}
let chainId: number | undefined;

/** Signs a small act now and leaves it to be sent; only with the everyday key, and only by what this device remembers. */
async function putAside(data: Hex, wanted: Wanted, slip: Waiting['slip']): Promise<string> {
  const [{ quietSigner }, { signAside }] = await Promise.all([import('./passkey/signer'), import('./waiting')]);
  const account = ownAccount();
  const signer = account ? await quietSigner(account, wanted) : null;
  if (!signer) throw new TypeError('offline');
  return signAside(signer, wanted, data, slip);
}

interface Call {
  from: Hex;
  to: Hex;
  data: Hex;
}

/** Dry run first: a refusal is shown before anything is sent. */
async function estimate(tx: Call, extra: bigint): Promise<bigint> {
  try {
    const gas = BigInt(await rpc<string>('eth_estimateGas', [tx]));
    const roomy = (gas * 3n) / 2n + extra;
    return roomy > GAS_CEILING ? GAS_CEILING : roomy;
  } catch (cause) {
    // Only members may rehearse a call here, and no quiet key signed the person in.
    if (cause instanceof RpcError && cause.code === SIGN_IN_NEEDED) throw new Explained(people.t.session.out, people.t.session.outText);
    throw await refusal(cause);
  }
}

async function send(signed: Hex, hash: Hex, tx: Call): Promise<void> {
  let receipt: { status: string; blockNumber: string } | null;
  try {
    receipt = await rpc<{ status: string; blockNumber: string }>('eth_sendRawTransactionSync', [signed], WAIT_MS);
  } catch (cause) {
    if (cause instanceof RpcError && cause.code === -32601) await rpc('eth_sendRawTransaction', [signed]);
    else if (cause instanceof RpcError && cause.code === 3) throw await refusal(cause);
    const shut = cause instanceof RpcError && AT_THE_DOOR.find(([says]) => says.test(cause.message));
    if (shut) throw new Refusal(shut[1], []);
    // Any other failure may have come after the book took it: look before saying so.
    receipt = await poll(hash);
    if (!receipt) throw cause instanceof RpcError && cause.code !== -32601 ? cause : new NoAnswer(hash);
  }
  if (BigInt(receipt.status) === 1n) return;
  try {
    await rpc('eth_call', [tx, receipt.blockNumber]);
  } catch (cause) {
    throw await refusal(cause);
  }
  throw new Refusal('reverted', []);
}

async function poll(hash: Hex): Promise<{ status: string; blockNumber: string } | null> {
  const end = Date.now() + WAIT_MS;
  while (Date.now() < end) {
    const found = await rpc<{ status: string; blockNumber: string } | null>('eth_getTransactionReceipt', [hash]).catch(() => null);
    if (found) return found;
    await new Promise((done) => setTimeout(done, 300));
  }
  return null;
}

/** Turns revert data into the error's name and arguments. */
async function refusal(cause: unknown): Promise<unknown> {
  if (!(cause instanceof RpcError)) return cause;
  const data = typeof cause.data === 'string' ? cause.data : (cause.data as { data?: string } | undefined)?.data;
  if (!data || data.length < 10) return cause;
  try {
    const decoded = decodeErrorResult({ abi: await allErrors(), data: data as Hex });
    return new Refusal(decoded.errorName, decoded.args ?? []);
  } catch {
    return new Refusal(cause.message, []);
  }
}
