import { secp256k1 } from '@noble/curves/secp256k1.js';
import { expect, it } from 'vitest';
import { concat } from '$verifier/bytes';
import { demoAddress, demoKey } from '../../demo';
import { speakerOf } from '../../passkey/verify';
import { BadLink, DAYS, hashToSign, parsePrepared, printPrepared, standing, untilOf, type Filled, type Form } from '../link';

const now = 1_800_000_000;
const elder = demoAddress('O0061');
const helper = demoAddress('O0054');
const forms: Form[] = [
  { act: 'ballot', motion: 7, choice: 2 },
  { act: 'pay', to: demoAddress('O0012'), fen: 12_345n, why: '水管押金' },
  { act: 'pay', to: demoAddress('O0012'), fen: 1n, why: '' },
  { act: 'object', roll: 3, unit: 42, reason: '产权证上是 89.50 ㎡，\n这里少了 2 ㎡' },
];
const filled = (form: Form): Filled => ({ chain: 7755, account: elder, helper, until: untilOf(now), form });

function sign(of: Filled, name = 'O0054'): Uint8Array {
  const signed = secp256k1.sign(hashToSign(of), demoKey(name), { prehash: false, lowS: true, format: 'recovered' });
  return concat(signed.subarray(1), Uint8Array.of(27 + (signed[0] ?? 0)));
}
const link = (form: Form): string => printPrepared(filled(form), sign(filled(form)));
const flaw = (fragment: string): string => {
  try {
    parsePrepared(fragment);
    return 'none';
  } catch (cause) {
    if (cause instanceof BadLink) return cause.flaw;
    throw cause;
  }
};

it.each(forms)('says of $act what was filled in, and who did it', (form) => {
  const read = parsePrepared(`#${link(form)}`);
  expect(read).toMatchObject(filled(form));
  expect(speakerOf(read.signature, read.hash)).toEqual({ key: helper, account: helper });
});

it.each(forms)('is not read where any part of $act is missing', (form) => {
  const parts = link(form).split('.');
  for (let n = 0; n < parts.length; n += 1) expect(flaw(parts.slice(0, n).join('.')), `${n} parts`).toBe('cut');
  for (let i = 1; i < parts.length; i += 1) expect(flaw(parts.filter((_, at) => at !== i).join('.'))).not.toBe('none');
});

it.each(forms)('shows by the signature that anything in $act was changed', (form) => {
  const whole = link(form);
  for (let at = 0; at < whole.length; at += 1) {
    const other = whole[at] === '1' ? '2' : '1';
    const changed = whole.slice(0, at) + other + whole.slice(at + 1);
    if (flaw(changed) !== 'none') continue;
    const read = parsePrepared(changed);
    expect(speakerOf(read.signature, read.hash)?.account, `letter ${at}`).not.toBe(read.helper);
  }
});

it('is not read where the end was cut off', () => {
  const whole = link({ act: 'ballot', motion: 7, choice: 1 });
  for (let n = 1; n < 20; n += 1) expect(flaw(whole.slice(0, -n))).toBe('cut');
});

const part = (form: Form, at: number, said: string): string => {
  const parts = link(form).split('.');
  parts[at] = said;
  return parts.join('.');
};
const [ballot, pay, , object] = forms as [Form, Form, Form, Form];
const b64 = (text: string): string => Buffer.from(text).toString('base64url');

it.each([
  ['no link', '', 'cut'],
  ['words', '#hello', 'cut'],
  ['a letter to join', '#1.42.7.AAAA', 'cut'],
  ['a newer version', part(ballot, 0, '2'), 'newer'],
  ['no version', part(ballot, 0, 'x'), 'cut'],
  ['an act that nobody may prepare', part(ballot, 5, 'freeze'), 'unknown'],
  ['a name that every object has', part(ballot, 5, 'toString'), 'unknown'],
  ['a ledger that is no number', part(ballot, 1, '0x1'), 'odd'],
  ['an account with capitals', part(ballot, 2, elder.toUpperCase().replace('X', 'x')), 'odd'],
  ['a helper that is no account', part(ballot, 3, '0x12'), 'odd'],
  ['no end', part(ballot, 4, '0'), 'odd'],
  ['the motion 0', part(ballot, 6, '0'), 'odd'],
  ['a choice beyond the last', part(ballot, 7, '4'), 'odd'],
  ['no choice', part(ballot, 7, '0'), 'odd'],
  ['somebody who is no account', part(pay, 6, 'bank'), 'odd'],
  ['no money', part(pay, 7, '0'), 'odd'],
  ['less than nothing', part(pay, 7, '-5'), 'odd'],
  ['more than there is', part(pay, 7, '9'.repeat(16)), 'odd'],
  ['words longer than the form takes', part(pay, 8, b64('长'.repeat(101))), 'odd'],
  ['words that are not base64url', part(pay, 8, 'a+b='), 'odd'],
  ['words that are not UTF-8', part(pay, 8, Buffer.from([0xff, 0xfe]).toString('base64url')), 'odd'],
  ['words that hide something', part(pay, 8, b64('给\u202E他')), 'odd'],
  ['no reason', part(object, 8, ''), 'odd'],
  ['a reason longer than the form takes', part(object, 8, b64('长'.repeat(501))), 'odd'],
  ['a signature that is not base64url', part(ballot, 8, '!!!'), 'cut'],
  ['a part too many', `${link(ballot)}.AAAA`, 'cut'],
])('refuses %s', (_, fragment, why) => {
  expect(flaw(fragment)).toBe(why);
});

it('is good for its days in its own ledger', () => {
  const made = filled(ballot);
  expect(standing(made, 7755, now)).toBeNull();
  expect(standing(made, 7756, now)).toBe('elsewhere');
  const last = now + DAYS * 86_400 - 1;
  expect(standing(made, 7755, last)).toBeNull();
  expect(standing(made, 7755, last + 1)).toBe('over');
  // A link that claims to be good for longer than this app makes them.
  expect(standing({ ...made, until: untilOf(now) + 3_600 }, 7755, now)).toBeNull();
  expect(standing({ ...made, until: untilOf(now) + 3_601 }, 7755, now)).toBe('odd');
});

it('counts as the helper’s only where their key signed it', () => {
  const forged = parsePrepared(printPrepared(filled(pay), sign(filled(pay), 'O0099')));
  expect(speakerOf(forged.signature, forged.hash)?.account).toBe(demoAddress('O0099'));
  // A signature of the same helper for another form.
  const moved = parsePrepared(printPrepared(filled(pay), sign(filled(ballot))));
  expect(speakerOf(moved.signature, moved.hash)?.account).not.toBe(helper);
});
