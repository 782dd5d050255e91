import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { encodeEventTopics, encodeAbiParameters, parseAbiItem, type Abi, type AbiEvent } from 'viem';
import { eventOf, records } from '../events';
import { moduleAddress } from '../modules';

const cast = parseAbiItem(
  'event BallotCast(uint64 indexed motion, bytes32 indexed head, uint8 choice, uint8 channel, uint64 areaM2)',
) as AbiEvent;
const head = `0x${'ab'.repeat(32)}` as const;
const log = (address: string, choice: number) => ({
  address,
  topics: encodeEventTopics({ abi: [cast], eventName: 'BallotCast', args: { motion: 7n, head } }) as string[],
  data: encodeAbiParameters([{ type: 'uint8' }, { type: 'uint8' }, { type: 'uint64' }], [choice, 1, 11_960n]),
});
const receipt = (address: string, choice: number, ok = true) => ({ type: 2, ok, logs: [log(address, choice)] });
const decisions = moduleAddress('decisions');

it('agrees only with the ballot that was meant', () => {
  const meant = { kind: 'BallotCast', motion: 7, choice: 1 };
  expect(records(receipt(decisions, 1), meant)).toBe(true);
  expect(records(receipt(decisions, 2), meant)).toBe(false);
  expect(records(receipt(decisions, 1), { ...meant, motion: 8 })).toBe(false);
  expect(records(receipt(decisions, 1, false), meant)).toBe(false);
  expect(records(receipt(moduleAddress('funds'), 1), meant)).toBe(false);
  expect(records(receipt(decisions, 1), { kind: 'PaymentApproved' })).toBe(false);
});

it('knows the events by the interfaces as they are', () => {
  const topics = (name: string) => {
    const abi = JSON.parse(readFileSync(new URL(`../../generated/abi/${name}.json`, import.meta.url), 'utf8')) as Abi;
    return abi
      .filter((i): i is AbiEvent => i.type === 'event')
      .map((event) => ({
        address: moduleAddress(name as 'funds'),
        topics: [encodeEventTopics({ abi: [event] })[0] as string],
        data: '0x',
      }));
  };
  const all = ['decisions', 'funds', 'registry', 'documents'].flatMap(topics).map((l) => eventOf({ type: 2, ok: true, logs: [l] }));
  for (const name of [
    'BallotCast',
    'MotionProposed',
    'MotionOpened',
    'MotionClosed',
    'PaymentRequested',
    'PaymentApproved',
    'PaymentEnded',
    'RollPosted',
    'Registered',
  ])
    expect(all).toContain(name);
});
