/** The person of this device as one who signs: every act is one batch and one touch of the finger. */
import { fromHex, toHex } from '$verifier/bytes';
import type { Signer } from '../chain';
import { Explained } from '../failure';
import { people } from '../i18n/people.svelte';
import { encodeBatch, signingHash } from './batch';
import { PasskeyTrouble, register, sign, type Passkey } from './device';
import { keep, kept } from './store';

/** Gas for checking the fingerprint's signature, which the estimate of a call does not know. */
const SIGNATURE_GAS = 30_000n;

export function passkeySigner(): Signer {
  const key = kept();
  if (!key) throw explained(new PasskeyTrouble('gone'));
  return {
    address: key.address as `0x${string}`,
    extraGas: SIGNATURE_GAS,
    async sign({ chainId, nonce, gas, calls }) {
      const batch = {
        chainId: BigInt(chainId),
        maxPriorityFeePerGas: 0n,
        maxFeePerGas: 0n,
        gasLimit: gas,
        calls: calls.map(({ to, data }) => ({ to: fromHex(to), value: 0n, input: fromHex(data) })),
        nonce: BigInt(nonce),
        after: 0n,
        before: 0n,
      };
      const signature = await spoken(() => sign(key, signingHash(batch)));
      return toHex(encodeBatch(batch, signature)) as `0x${string}`;
    },
  };
}

/** Makes this device's key and remembers it. One that is there already is taken. */
export async function passkeyOf(name: string): Promise<Passkey> {
  const have = kept();
  if (have) return have;
  const made = await spoken(() => register(name));
  keep(made);
  return made;
}

async function spoken<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw cause instanceof PasskeyTrouble ? explained(cause) : cause;
  }
}

function explained({ what }: PasskeyTrouble): Explained {
  const { title, text } = people.t.trouble[what];
  return new Explained(title, text, what === 'cancelled');
}
