/** Plain JSON-RPC over fetch, for the few calls that are not reads of a module. */

export class RpcError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data?: unknown,
  ) {
    super(message);
  }
}

/** What a node says where a read needs a member who is signed in. */
export const SIGN_IN_NEEDED = -32001;

let id = 0;

export async function rpc<T>(method: string, params: unknown[] = [], timeoutMs = 30_000): Promise<T> {
  try {
    return await once<T>(method, params, timeoutMs);
  } catch (cause) {
    const shut = cause instanceof RpcError && cause.code === SIGN_IN_NEEDED;
    if (!shut || !(await (await import('./session.svelte')).session.quietly())) throw cause;
    return once<T>(method, params, timeoutMs);
  }
}

async function once<T>(method: string, params: unknown[], timeoutMs: number): Promise<T> {
  id += 1;
  const answer = await fetch('/', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const body = (await answer.json()) as { result?: T; error?: { code: number; message: string; data?: unknown } };
  if (body.error) throw new RpcError(body.error.code, body.error.message, body.error.data);
  return body.result as T;
}
