/** Where each module lives and what it can do; addresses and interfaces are written by `tulou abi`. */
import type { Abi, Hex } from 'viem';
import addresses from '../generated/addresses.json';

export type ModuleName = keyof typeof addresses;

/** Address of a module, lower case. */
export function moduleAddress(name: ModuleName): Hex {
  return addresses[name].toLowerCase() as Hex;
}

const files = import.meta.glob<{ default: unknown }>('../generated/abi/*.json');

/** Interface of a module; a piece of its own, fetched on the first write to it. */
export async function moduleAbi(name: ModuleName): Promise<Abi> {
  const load = files[`../generated/abi/${name}.json`];
  if (!load) throw new Error(`no interface of ${name}`);
  return (await load()).default as Abi;
}
