import { expect, it } from 'vitest';
import { toBase64url } from '$verifier/bytes';
import { isReturn, newState, parseReturn, question, trouble, type Asked, type Asking } from '../attestation';

const hash = (byte: string) => `0x${byte.repeat(32)}`;
const account = `0x${'1a'.repeat(20)}`;
const state = '0f'.repeat(16);
const asked: Asked = { state, attestor: 3, home: '2-1-302', unit: 12 };
const asking: Asking = {
  ...asked,
  ledger: 7755n,
  module: `0x${'77'.repeat(20)}`,
  method: 'face',
  account,
  owner: '',
  lang: 'zh',
  back: 'https://estate.example/join',
};
const statement = {
  attestor: '3',
  method: 2,
  account: account.toUpperCase().replace('0X', '0x'),
  unit: 12,
  owner: hash('01'),
  issuedAt: 1_000,
  expiresAt: '4600',
  nonce: hash('07'),
};
const signature = `0x${'ab'.repeat(65)}`;
const packed = (value: unknown) => `#attest.${toBase64url(new TextEncoder().encode(JSON.stringify(value)))}`;
const answer = (changes: object = {}, of: object = {}) => packed({ state, signature, statement: { ...statement, ...changes }, ...of });

it('asks by the query of an https page and says only what is known', () => {
  const url = new URL(question('https://a.example/check?from=tulou', asking));
  expect(url.origin + url.pathname).toBe('https://a.example/check');
  expect(Object.fromEntries(url.searchParams)).toEqual({
    from: 'tulou',
    ledger: '7755',
    module: asking.module,
    attestor: '3',
    method: 'face',
    account,
    home: '2-1-302',
    unit: '12',
    lang: 'zh',
    state,
    return: asking.back,
  });
  for (const page of ['http://a.example', 'javascript:alert(1)', 'data:text/html,x']) expect(() => question(page, asking)).toThrow();
  expect(newState()).toMatch(/^[0-9a-f]{32}$/);
  expect(newState()).not.toBe(newState());
});

it('reads an answer and nothing that is cut off, changed in kind or no answer', () => {
  expect(isReturn(answer())).toBe(true);
  expect(isReturn('#1.2.3.abc')).toBe(false);
  expect(parseReturn(answer())).toEqual({
    state,
    signature,
    statement: { ...statement, attestor: 3n, account, unit: 12n, issuedAt: 1_000n, expiresAt: 4_600n },
  });
  expect(parseReturn(packed({ state, error: 'declined' }))).toEqual({ state, error: 'declined' });
  const bad = [
    answer().slice(0, -3),
    '#attest.',
    '#attest.!!',
    packed(7),
    packed([]),
    packed({ error: 'declined' }),
    packed({ state, error: 'else' }),
    packed({ state, signature }),
    answer({ unit: -1 }),
    answer({ unit: 1.5 }),
    answer({ unit: '0x1' }),
    answer({ account: '0x1' }),
    answer({ owner: undefined }),
    answer({}, { signature: signature.slice(0, -2) }),
    answer({}, { state: 'x' }),
  ];
  for (const one of bad) expect(() => parseReturn(one), one).toThrow();
});

it('says why an answer cannot be used, before anybody signs', () => {
  const fine = { account, works: true, method: 2, now: 4_599.9 };
  const of = (text: string, meant: Asked | null = asked, here: object = {}) => trouble(parseReturn(text), meant, { ...fine, ...here });
  expect(of(answer())).toBe('');
  expect(of(answer(), null)).toBe('notAsked');
  expect(of(answer(), { ...asked, state: 'ff'.repeat(16) })).toBe('notAsked');
  expect(of(packed({ state, error: 'notRecognised' }))).toBe('notRecognised');
  expect(of(answer(), asked, { account: undefined })).toBe('otherAccount');
  expect(of(answer({ account: `0x${'2b'.repeat(20)}` }))).toBe('otherAccount');
  expect(of(answer(), asked, { works: false })).toBe('notListed');
  expect(of(answer({ attestor: 4 }))).toBe('notListed');
  expect(of(answer({ method: 1 }))).toBe('notListed');
  expect(of(answer(), asked, { now: 4_600 })).toBe('late');
  expect(of(answer({ unit: 13 }))).toBe('wrongHome');
  // Where the register could not be read the ledger tells.
  expect(of(answer({ unit: 13 }), { ...asked, unit: 0 })).toBe('');
});
