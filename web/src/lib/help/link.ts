/**
 * A form that a helper filled for somebody else, as a link. Its fragment is
 *
 *     1.<chain>.<account>.<helper>.<until>.<act>.<field>...<signature>
 *
 * `account` is whom it was prepared for and `helper` who did it, in hexadecimal; `until` the second in which it is over;
 * words and the signature are base64url. A fragment stays in the browser: no server hears of the form, and the ledger only
 * of what its person signs in the end. The helper signs all that stands before the signature, so that nobody can speak in
 * their name; the signature stands last, so that a link which was cut off is known by it.
 *
 * A secret ballot has no form here and must not get one: whoever prepares it knows it. Acts about keys have none either:
 * who can be talked into opening a link must not lose their account by it.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { fromBase64url, Malformed, toBase64url } from '$verifier/bytes';

export type Form =
  /** An open ballot; `choice` as in `IDecisions.Choice`. */
  | { act: 'ballot'; motion: number; choice: number }
  /** A transfer: fen, and words of which the ledger gets the mark. */
  | { act: 'pay'; to: string; fen: bigint; why: string }
  /** An objection to a posted roll; the reason is salted by whoever signs. */
  | { act: 'object'; roll: number; unit: number; reason: string };
export type Act = Form['act'];

export interface Filled {
  chain: number;
  account: string;
  helper: string;
  /** Seconds. */
  until: number;
  form: Form;
}
export interface Prepared extends Filled {
  signature: Uint8Array;
  /** What the helper signed. */
  hash: Uint8Array;
}

/** Why a link is not read. */
export type Flaw =
  /** Nothing stands in it, or a part is missing. */
  | 'cut'
  /** A newer app made it. */
  | 'newer'
  /** An act that cannot be prepared. */
  | 'unknown'
  /** A value that no form of this app gives. */
  | 'odd';

export class BadLink extends Error {
  constructor(readonly flaw: Flaw) {
    super(flaw);
  }
}

/** How long a link is good. */
export const DAYS = 7;
const DAY = 86_400;
/** Helper's and reader's clocks may differ. */
const SLACK = 3_600;
/** As the forms have it. */
const WHY_MOST = 100;
const REASON_MOST = 500;

const ADDRESS = /^0x[0-9a-f]{40}$/;
const NUMBER = /^[1-9]\d{0,14}$/;
const VERSION = '1';

const fields: { [A in Act]: { print: (form: Extract<Form, { act: A }>) => string[]; parse: (parts: string[]) => Form } } = {
  ballot: {
    print: ({ motion, choice }) => [String(motion), String(choice)],
    parse: ([motion = '', choice = '']) => ({ act: 'ballot', motion: number(motion), choice: number(choice, 3) }),
  },
  pay: {
    print: ({ to, fen, why }) => [to, String(fen), words(why)],
    parse: ([to = '', fen = '', why = '']) => ({ act: 'pay', to: address(to), fen: BigInt(number(fen)), why: text(why, WHY_MOST) }),
  },
  object: {
    print: ({ roll, unit, reason }) => [String(roll), String(unit), words(reason)],
    parse: ([roll = '', unit = '', reason = '']) => ({
      act: 'object',
      roll: number(roll),
      unit: number(unit),
      reason: text(reason, REASON_MOST, 1),
    }),
  },
};
const LENGTHS: Record<Act, number> = { ballot: 2, pay: 3, object: 3 };

/** The fragment without its signature. */
function unsigned({ chain, account, helper, until, form }: Filled): string {
  const print = fields[form.act].print as (form: Form) => string[];
  return [VERSION, chain, account.toLowerCase(), helper.toLowerCase(), until, form.act, ...print(form)].join('.');
}

/** What the helper signs. Its first bytes are those of no transaction and of no text that wallets sign. */
function hashOf(text: string): Uint8Array {
  return keccak_256(new TextEncoder().encode(`tulou/prepared/v1\n${text}`));
}

export const hashToSign = (filled: Filled): Uint8Array => hashOf(unsigned(filled));
export const printPrepared = (filled: Filled, signature: Uint8Array): string => `${unsigned(filled)}.${toBase64url(signature)}`;

/** Throws `BadLink` where it is none of ours, whole and with sensible values. Who made it is not asked here. */
export function parsePrepared(fragment: string): Prepared {
  const body = fragment.replace(/^#/, '');
  const [version = '', chain = '', account = '', helper = '', until = '', act = '', ...rest] = body.split('.');
  if (/^[1-9]\d*$/.test(version) && version !== VERSION) throw new BadLink('newer');
  if (version !== VERSION || !chain || !account || !helper || !until || !act) throw new BadLink('cut');
  if (!Object.hasOwn(fields, act)) throw new BadLink('unknown');
  const signature = bytes(rest.pop() ?? '');
  if (rest.length !== LENGTHS[act as Act] || signature.length < 65) throw new BadLink('cut');
  return {
    chain: number(chain),
    account: address(account),
    helper: address(helper),
    until: number(until),
    form: fields[act as Act].parse(rest),
    signature,
    hash: hashOf(body.slice(0, body.lastIndexOf('.'))),
  };
}

/** What a clock and the reader's place say of a link, before the ledger is asked. */
export function standing({ chain, until }: Filled, here: number, now: number): 'elsewhere' | 'over' | 'odd' | null {
  if (chain !== here) return 'elsewhere';
  if (until <= now) return 'over';
  return until > now + DAYS * DAY + SLACK ? 'odd' : null;
}

/** When a link that is made now is over. */
export const untilOf = (now: number): number => now + DAYS * DAY;

function number(said: string, most = Number.MAX_SAFE_INTEGER): number {
  if (!NUMBER.test(said) || Number(said) > most) throw new BadLink('odd');
  return Number(said);
}
function address(said: string): string {
  if (!ADDRESS.test(said)) throw new BadLink('odd');
  return said;
}
function words(said: string): string {
  return toBase64url(new TextEncoder().encode(said));
}
function text(said: string, most: number, least = 0): string {
  let found: string;
  try {
    found = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes(said));
  } catch {
    throw new BadLink('odd');
  }
  // No control characters: what is shown is what is there.
  if (found.length < least || found.length > most || /[\p{Cc}\p{Cf}]/u.test(found.replaceAll('\n', ''))) throw new BadLink('odd');
  return found;
}
function bytes(said: string): Uint8Array {
  try {
    return fromBase64url(said);
  } catch (cause) {
    throw cause instanceof Malformed ? new BadLink('cut') : cause;
  }
}
