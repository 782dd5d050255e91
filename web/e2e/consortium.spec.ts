import { expect, test, type Page } from '@playwright/test';
import { consortium } from './members';
import type { Running } from './node';
import { becomeVoter } from './people';

/** Real processes notice each other's absence and return within seconds; a busy machine takes longer. */
const SOON = { timeout: 120_000 };
const OK = ['ok', 'ok', 'ok', 'ok', 'ok'];

let five: Running;
test.beforeAll(async () => {
  test.setTimeout(660_000);
  five = await consortium();
});
test.afterAll(() => five?.stop());

const lamps = (page: Page): Promise<(string | undefined)[]> =>
  page.locator('[data-lamp]').evaluateAll((all) => all.map((el) => (el as SVGElement).dataset['lamp']));
const height = async (page: Page): Promise<number> => Number(await page.locator('[data-standing]').getAttribute('data-height'));
const standing = (page: Page, how: string) => expect(page.locator(`[data-standing=${how}]`)).toBeVisible(SOON);

async function turn(page: Page, act: '停一停' | '开起来', who: string): Promise<void> {
  await page.getByRole('button', { name: `${act} ${who}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: act }).click();
  await expect(page.getByRole('dialog')).toBeHidden({ timeout: 60_000 });
}

/** A lamp that neither agrees nor only waits for its signature to be needed. */
async function agree(page: Page): Promise<void> {
  await expect.poll(async () => (await lamps(page)).map((l) => (l === 'quiet' ? 'ok' : l)), SOON).toEqual(OK);
}

/** The member through which this page is served now, as the page names it. */
async function serving(): Promise<string> {
  const short: Record<string, string> = { 区住建局: '住建局', 物业公司: '物业' };
  const answer = await fetch(`${five.url}/api/v1/node/consortium`);
  const { me, members } = (await answer.json()) as { me: string; members: { key: string; name: string }[] };
  const name = members.find((m) => m.key === me)?.name ?? '';
  return short[name] ?? name;
}

/** An owner votes and holds a receipt that the browser checked: something new has become final. */
async function vote(page: Page): Promise<void> {
  await becomeVoter(page, five.url);
  await page.getByRole('link', { name: '去投票' }).first().click();
  await page.getByText('同意照这个议题去做').click();
  await page.getByRole('button', { name: '看一遍再投' }).click();
  await page.getByRole('button', { name: '投出赞成票' }).click();
  await expect(page.getByText('已核实')).toBeVisible({ timeout: 60_000 });
}

test('one member stops and the book goes on; two stop and it waits; they return and it goes on', async ({ page, context }) => {
  test.setTimeout(900_000);
  await page.goto(`${five.url}/console/books`);
  await standing(page, 'all');
  await agree(page);
  await expect(page.getByRole('heading', { name: '五家账本' })).toBeVisible();

  // The one that serves this very page is stopped: the page lives on, and so does the book.
  const first = await serving();
  await turn(page, '停一停', first);
  await standing(page, 'enough');
  expect((await lamps(page)).filter((l) => l === 'stopped')).toHaveLength(1);
  const then = await height(page);
  await expect.poll(() => height(page), SOON).toBeGreaterThan(then + 1);
  expect(await serving()).not.toBe(first);
  const owner = await context.newPage();
  await vote(owner);

  // Back again: it catches up by itself and agrees.
  await turn(page, '开起来', first);
  await standing(page, 'all');
  await agree(page);

  // Two are more than five can spare.
  const others = ['住建局', '街道办', '开户行', '物业', '业委会'].filter((name) => name !== first).slice(-2);
  for (const name of others) await turn(page, '停一停', name);
  await standing(page, 'stalled');
  await expect(page.locator('[data-notice=stalled]')).toContainText('要四家签字才算数，现在只有三家');
  for (const name of others) await expect(page.locator('[data-notice=stalled]')).toContainText(name);
  const stood = await height(page);
  // What is on record can still be read and checked.
  await owner.goto(`${five.url}/receipts`);
  await owner.locator('a[href^="/r/"]').first().click();
  await expect(owner.getByText('已核实')).toBeVisible();
  await owner.goto(`${five.url}/votes`);
  await expect(owner.getByText('更换全区供水立管和水泵').first()).toBeVisible();
  expect(await height(page)).toBe(stood);

  for (const name of others) await turn(page, '开起来', name);
  await standing(page, 'all');
  await agree(page);
  await expect.poll(() => height(page), SOON).toBeGreaterThan(stood + 1);
});
