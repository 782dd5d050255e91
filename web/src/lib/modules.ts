/** Where each module lives and what it can do; the ABIs are generated from the Solidity interfaces. */
import type { Abi, Hex } from 'viem';

const numbers = { rules: 0x01, roles: 0x04, registry: 0x06, documents: 0x07, money: 0x08, schedule: 0x09, decisions: 0x0b, funds: 0x0c } as const;
export type ModuleName = keyof typeof numbers;

export function moduleAddress(name: ModuleName): Hex {
  return `0x7755${numbers[name].toString(16).padStart(36, '0')}`;
}

const files = import.meta.glob<{ default: unknown }>('../generated/abi/*.json');

export async function moduleAbi(name: ModuleName): Promise<Abi> {
  const load = files[`../generated/abi/${name}.json`];
  if (!load) throw new Error(`no interface of ${name}`);
  const found = (await load()).default;
  return (Array.isArray(found) ? found : (found as { abi: unknown }).abi) as Abi;
}
