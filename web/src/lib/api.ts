/** Reads for people: `GET /api/v1/<module>/<call>?arg=...`. Nothing here writes. */
import { parseHundredths } from './format';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Obj = { [key: string]: Json };

/** A read that was answered with a refusal or not at all. `status` 0 means no answer. */
export class ReadError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Reads once. `patienceMs` ends a wait for a server that takes the call and never answers. */
export async function read(
  module: string,
  call: string,
  args: Record<string, string | number | boolean> = {},
  patienceMs?: number,
): Promise<Json> {
  const query = new URLSearchParams(Object.entries(args).map(([k, v]) => [k, String(v)]));
  const url = `/api/v1/${module}/${call}${query.size ? `?${query}` : ''}`;
  let answer = await ask(url, patienceMs);
  // The session ran out, or nobody was asked yet: once more, when that can be mended without asking anybody.
  if (answer.status === 401 && (await (await import('./session.svelte')).session.quietly())) answer = await ask(url, patienceMs);
  const body: unknown = await answer.json().catch(() => null);
  if (!answer.ok) {
    const said = body as { message?: unknown; error?: unknown } | null;
    const inner = said?.error as { message?: unknown } | string | undefined;
    const text = said?.message ?? (typeof inner === 'object' ? inner.message : inner);
    throw new ReadError(answer.status, typeof text === 'string' ? text : `HTTP ${answer.status}`);
  }
  return body as Json;
}

async function ask(url: string, patienceMs: number | undefined): Promise<Response> {
  try {
    return await fetch(url, { headers: { accept: 'application/json' }, signal: patienceMs ? AbortSignal.timeout(patienceMs) : null });
  } catch {
    throw new ReadError(0, 'offline');
  }
}

/** Pages on until the list ends, at most `most` items. Lists come as `{items, next}`, `next` null or 0 at the end. */
export async function readAll(
  module: string,
  call: string,
  args: Record<string, string | number | boolean> = {},
  most = 2000,
): Promise<Obj[]> {
  const out: Obj[] = [];
  let cursor: Json = 0;
  do {
    const page = obj(await read(module, call, { ...args, cursor: cursor as number, limit: 100 }));
    const items = list(page['items']);
    out.push(...items.map(obj));
    if (!items.length) break;
    cursor = page['next'] ?? null;
  } while (cursor !== null && String(cursor) !== '0' && out.length < most);
  return out;
}

export function obj(value: Json | undefined): Obj {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new ReadError(200, 'unexpected answer');
  return value;
}
export function list(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}
export function num(value: Json | undefined): number {
  return Number(value ?? 0);
}
export function big(value: Json | undefined): bigint {
  return BigInt(String(value ?? '0'));
}
export function str(value: Json | undefined): string {
  return value === undefined || value === null ? '' : String(value);
}
export function bool(value: Json | undefined): boolean {
  return value === true || value === 'true';
}
/** A field that ends in `_m2`: "13024.80" as hundredths. */
export function m2(value: Json | undefined): bigint {
  return parseHundredths(String(value ?? '0'));
}
