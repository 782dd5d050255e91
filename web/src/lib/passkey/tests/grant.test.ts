import { expect, it } from 'vitest';
import { encodeFunctionData, type Abi } from 'viem';
import accounts from '../../../generated/abi/accounts.json';
import registry from '../../../generated/abi/registry.json';
import { moduleAddress } from '../../modules';
import { TRANSFER_ABI } from '../../token';
import { actOf, allowance, grantOf } from '../grant';
import { marked } from '../names';

const TOKEN = '0x7755000000000000000000000000000100000008';
const NOW = 1_800_000_000;

it('allows small acts by the selectors of the interfaces, and pays only where a limit was chosen', () => {
  const object = encodeFunctionData({ abi: registry as Abi, functionName: 'object', args: [1n, 2n, `0x${'11'.repeat(32)}`] }).slice(0, 10);
  const pay = encodeFunctionData({ abi: TRANSFER_ABI, functionName: 'transferWithMemo', args: [TOKEN, 1n, `0x${'11'.repeat(32)}`] }).slice(
    0,
    10,
  );
  expect(allowance(0, 30, [TOKEN], NOW)).toEqual({
    expiresAt: NOW + 30 * 86_400 - 60,
    limit: '0',
    periodSeconds: 0,
    scope: [{ target: moduleAddress('registry'), selector: object }],
  });
  const paying = allowance(200, 365, [TOKEN], NOW);
  expect(paying).toMatchObject({ limit: '20000', periodSeconds: 2_592_000 });
  expect(paying.scope).toEqual([
    { target: moduleAddress('registry'), selector: object },
    { target: TOKEN, selector: pay },
  ]);
  expect([actOf(moduleAddress('registry'), object), actOf(TOKEN, pay), actOf(moduleAddress('decisions'), object)]).toEqual([
    'object',
    'pay',
    null,
  ]);
  // Never longer than the ledger takes, and never more entries.
  expect(paying.expiresAt - NOW).toBeLessThanOrEqual(366 * 86_400);
  expect(
    allowance(
      200,
      30,
      Array.from({ length: 30 }, () => TOKEN),
      NOW,
    ).scope,
  ).toHaveLength(16);
});

it('is what the ledger takes', () => {
  const data = encodeFunctionData({
    abi: accounts as Abi,
    functionName: 'authoriseKey',
    args: [grantOf('0x00000000000000000000000000000000000000a1', 2, allowance(500, 90, [TOKEN], NOW), marked('旧平板').label)],
  });
  expect(data.length).toBeGreaterThan(10);
});
