/** Writes a checked register in the batches that the module takes. Names never leave: owners go as salted commitments. */
import { units as readUnits } from './data/registry';
import type { HoldingEntry, OwnerEntry, Register } from './register';
import { keccakHex } from './sha';
import { concat, toHex } from '$verifier/bytes';

const MOST = { units: 50, owners: 200, holdings: 40 } as const;
const DOMAIN = 'tulou/owner/v1';

/** What the registrar must keep to say later who is behind a commitment. */
export interface Sealed {
  owner: string;
  salt: string;
  commitment: string;
}

export async function importRegister(as: string, register: Register, progress: (at: number, of: number) => void): Promise<Sealed[]> {
  const { write } = await import('./chain');
  const sealed = register.owners.map(seal);
  const known = new Map(sealed.map((s) => [s.owner, s.commitment]));
  const unitParts = chunks(register.units, MOST.units);
  const ownerParts = chunks(
    sealed.map((s) => s.commitment),
    MOST.owners,
  );
  const holdingParts = byUnit(register.holdings, MOST.holdings);
  const all = unitParts.length + ownerParts.length + holdingParts.length;
  let at = 0;
  const step = async (call: string, argument: unknown) => {
    at += 1;
    progress(at, all);
    await write(as, 'registry', call, [argument]);
  };
  for (const part of unitParts) await step('addUnits', part);
  for (const part of ownerParts) await step('addOwners', part);
  const ids = new Map((await readUnits()).map((u) => [u.code, BigInt(u.id)]));
  for (const part of holdingParts)
    await step(
      'addHoldings',
      part.map((h) => ({
        unit: ids.get(h.unit) ?? 0n,
        owner: known.get(h.owner),
        shareNum: h.shareNum,
        shareDen: h.shareDen,
        kind: h.kind,
        since: BigInt(h.since),
      })),
    );
  return sealed;
}

/** A file for the registrar's own keeping, as a link that can be saved. */
export function sealedFile(sealed: Sealed[]): string {
  return URL.createObjectURL(new Blob([JSON.stringify({ domain: DOMAIN, owners: sealed }, null, 1)], { type: 'application/json' }));
}

function seal(owner: OwnerEntry): Sealed {
  const salt = crypto.getRandomValues(new Uint8Array(32));
  return { owner: owner.id, salt: toHex(salt), commitment: commitment(salt, owner) };
}

/** What the book knows an owner by. Lengths stand before texts, so that no two owners can be written the same way. */
export function commitment(salt: Uint8Array, owner: OwnerEntry): string {
  const utf8 = new TextEncoder();
  const parts = [utf8.encode(DOMAIN), salt];
  for (const text of [owner.id, owner.kind, owner.name, owner.phone]) {
    const body = utf8.encode(text);
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(body.length));
    parts.push(length, body);
  }
  return keccakHex(concat(...parts));
}

function chunks<T>(list: T[], most: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / most) }, (_, i) => list.slice(i * most, (i + 1) * most));
}

/** All holdings of a unit stay in one batch, one after the other. */
export function byUnit(holdings: HoldingEntry[], most: number): HoldingEntry[][] {
  const groups = new Map<string, HoldingEntry[]>();
  for (const h of holdings) groups.set(h.unit, [...(groups.get(h.unit) ?? []), h]);
  const out: HoldingEntry[][] = [];
  let part: HoldingEntry[] = [];
  for (const group of groups.values()) {
    if (part.length && part.length + group.length > most) {
      out.push(part);
      part = [];
    }
    part.push(...group);
  }
  if (part.length) out.push(part);
  return out;
}
