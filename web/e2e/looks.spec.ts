import { expect, test } from '@playwright/test';
import { owes } from './owes';
import { base, become, becomeVoter } from './people';

const resident = [
  '/',
  '/votes',
  '/votes/ID',
  '/votes/ID/ballot',
  '/votes/PASSED/result',
  '/votes/FAILED/result',
  '/money',
  '/votes/PASSED/notice',
  '/receipts',
  '/rules',
  '/books',
  '/key-sheet',
  '/key-sheet/check',
  '/me',
  '/devices',
  '/devices/guardians',
  '/roll',
  '/pay',
  '/my-data',
  '/lost',
  '/recover',
];
const office = [
  '/console',
  '/console/roll',
  '/console/accounts',
  '/console/votes',
  '/console/votes/ID',
  '/console/new-motion',
  '/console/payments',
  '/console/books',
];
const modes = [
  { name: 'zh', query: 'lang=zh&elder=0' },
  { name: 'en', query: 'lang=en&elder=0' },
  { name: 'elder', query: 'lang=zh&elder=1' },
];

interface Listed {
  id: string;
  state: number;
}

async function numbers(): Promise<Record<string, string>> {
  const { items } = (await (await fetch(`${base()}/api/v1/decisions/motions?state=0&limit=100`)).json()) as { items: Listed[] };
  const of = (...states: number[]) => items.find((m) => states.includes(m.state))?.id ?? '1';
  return { ID: of(2), PASSED: of(4), FAILED: of(5, 6) };
}

for (const mode of modes)
  test(`every screen, ${mode.name}`, async ({ page }, info) => {
    test.setTimeout(240_000);
    const wide = info.project.name === 'console';
    if (wide) await become(page, '业委会主任');
    else await becomeVoter(page);
    const ids = await numbers();
    const bad: Record<string, string[]> = {};
    for (const path of wide ? office : resident) {
      const real = path.replace(/ID|PASSED|FAILED/, (key) => ids[key] ?? '1');
      await page.goto(`${base()}${real}?${mode.query}`);
      await expect(page.locator('h1').first()).toBeVisible();
      await expect(page.locator('[aria-busy=true]')).toHaveCount(0);
      await page.waitForLoadState('networkidle');
      const problems = await owes(page, mode.name === 'elder');
      if (problems.length) bad[path] = problems;
      if (process.env.SHOTS)
        await page.screenshot({
          path: `${process.env.SHOTS}/${info.project.name}-${mode.name}${real.replace(/\//g, '_')}.png`,
          fullPage: true,
        });
    }
    expect(bad).toEqual({});
  });
