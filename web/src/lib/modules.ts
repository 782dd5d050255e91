/** Where each module lives and what it can do; addresses and interfaces are written by `tulou abi`. */
import type { Abi, Hex } from 'viem';
import addresses from '../generated/addresses.json';

export type ModuleName = keyof typeof addresses;

/** Address of a module, lower case. */
export function moduleAddress(name: ModuleName): Hex {
  return addresses[name].toLowerCase() as Hex;
}

/** The module at an address. */
export function moduleName(address: string): ModuleName | undefined {
  return (Object.keys(addresses) as ModuleName[]).find((name) => moduleAddress(name) === address.toLowerCase());
}

const files = import.meta.glob<{ default: unknown }>('../generated/abi/*.json');

/** Interface of a module; a piece of its own, fetched on the first write to it. */
export async function moduleAbi(name: ModuleName): Promise<Abi> {
  const load = files[`../generated/abi/${name}.json`];
  if (!load) throw new Error(`no interface of ${name}`);
  return (await load()).default as Abi;
}

/** Every refusal that any module knows: a module passes on what those below it refuse. */
export async function allErrors(): Promise<Abi> {
  const abis = await Promise.all((Object.keys(addresses) as ModuleName[]).map(moduleAbi));
  return abis.flat().filter((item) => item.type === 'error');
}
