import { ReadError } from './api';
import { i18n } from './i18n/index.svelte';
import { live } from './live.svelte';
import { RpcError, SIGN_IN_NEEDED } from './rpc';

/** A read that a screen shows. Keeps the last answer while the next one is fetched. */
export interface Query<T> {
  readonly value: T | undefined;
  readonly error: string | undefined;
  /** The read needs somebody who is signed in, or a member of the estate. */
  readonly shut: 'out' | 'stranger' | undefined;
  /** When the shown value was read, in milliseconds. */
  readonly at: number;
  refresh(): void;
}

/** Reads now, again whenever the book grows a page, and whenever what `fetcher` depends on changes. Call in a component. */
export function query<T>(fetcher: () => Promise<T>): Query<T> {
  let value = $state.raw<T>();
  let error = $state<string>();
  let shut = $state<'out' | 'stranger'>();
  let at = $state(0);
  let again = $state(0);
  let run = 0;

  $effect(() => {
    void live.tick;
    void again;
    const mine = (run += 1);
    fetcher().then(
      (got) => {
        if (mine === run) {
          value = got;
          error = undefined;
          shut = undefined;
          at = Date.now();
        }
      },
      (cause: unknown) => {
        if (mine !== run) return;
        shut = shutBy(cause);
        // What was shown is not for whoever is here now.
        if (shut) value = undefined;
        error = explain(cause);
      },
    );
  });

  return {
    get value() {
      return value;
    },
    get error() {
      return error;
    },
    get shut() {
      return shut;
    },
    get at() {
      return at;
    },
    refresh() {
      error = undefined;
      shut = undefined;
      again += 1;
    },
  };
}

function explain(cause: unknown): string {
  if (cause instanceof ReadError && cause.status === 0) return i18n.t.errors.offline;
  return cause instanceof Error ? cause.message : String(cause);
}

/** Why a read was refused: it needs somebody who is signed in, or a member of the estate. */
export function shutBy(cause: unknown): 'out' | 'stranger' | undefined {
  if (cause instanceof ReadError) return cause.status === 401 ? 'out' : cause.status === 403 ? 'stranger' : undefined;
  if (!(cause instanceof RpcError) || cause.code !== SIGN_IN_NEEDED) return undefined;
  return (cause.data as { name?: string } | undefined)?.name === 'signInNeeded' ? 'out' : 'stranger';
}
