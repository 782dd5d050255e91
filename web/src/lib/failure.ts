import { i18n } from './i18n/index.svelte';
import { RpcError } from './rpc';

/** A failed act, in words: what happened, whether anything may have moved, what to quote. */
export interface Failure {
  title: string;
  text: string;
  /** True only where the act may have reached the book. */
  moved: boolean;
  code: string;
  /** A person's own choice, not a fault: said quietly. */
  calm?: boolean;
}

/** A failure that brings its own words, from a piece that is loaded late. */
export class Explained extends Error {
  constructor(
    readonly title: string,
    readonly text: string,
    readonly calm = false,
  ) {
    super(title);
  }
}

/** A call that the rules refused: the Solidity error by name and its data. */
export class Refusal extends Error {
  constructor(
    readonly reason: string,
    readonly args: readonly unknown[],
  ) {
    super(reason);
  }
}

/** A call that was sent and not yet answered. Sending the same again is safe. */
export class NoAnswer extends Error {
  constructor(readonly hash: string) {
    super('no answer');
  }
}

export function failure(cause: unknown): Failure {
  const t = i18n.t.errors;
  if (cause instanceof Explained) return { title: cause.title, text: cause.text, moved: false, code: '', calm: cause.calm };
  if (cause instanceof Refusal) {
    const say = t.refusals[cause.reason as keyof typeof t.refusals];
    return { title: t.refused, text: say ?? t.refusedBecause(cause.reason), moved: false, code: cause.reason };
  }
  if (cause instanceof NoAnswer) return { title: t.noAnswer, text: t.noAnswerText, moved: true, code: cause.hash.slice(0, 10) };
  if (cause instanceof RpcError) return { title: t.refused, text: cause.message, moved: false, code: `R${cause.code}` };
  if (cause instanceof TypeError) return { title: t.offline, text: t.tryAgain, moved: false, code: '' };
  return { title: t.failed, text: cause instanceof Error ? cause.message : String(cause), moved: false, code: '' };
}
