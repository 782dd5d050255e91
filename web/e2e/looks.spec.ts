import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { base, become, becomeVoter } from './people';

const resident = [
  '/',
  '/votes',
  '/votes/ID',
  '/votes/ID/ballot',
  '/votes/PASSED/result',
  '/votes/FAILED/result',
  '/money',
  '/receipts',
  '/rules',
  '/me',
];
const office = ['/console', '/console/roll', '/console/votes', '/console/votes/ID', '/console/new-motion', '/console/payments'];
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

/** What every screen owes: nothing serious from axe, no sideways scroll, no small type, no small target. */
async function owes(page: Page, elder: boolean): Promise<string[]> {
  // The whole page at once: a bar that sticks to the foot would half cover whatever happens to lie under it.
  const size = page.viewportSize() ?? { width: 390, height: 844 };
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width: size.width, height: Math.max(size.height, height) });
  const found = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
  const axe = found.violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => `${v.id}: ${v.nodes[0]?.html.slice(0, 160)}`);
  const own = await page.evaluate(
    (least) => {
      const out: string[] = [];
      if (document.documentElement.scrollWidth > innerWidth)
        out.push(`scrolls sideways by ${document.documentElement.scrollWidth - innerWidth}`);
      for (const el of document.querySelectorAll('body *')) {
        const text = [...el.childNodes].some((n) => n.nodeType === 3 && n.textContent?.trim());
        if (!text || el.closest('svg, .vh') || !(el as HTMLElement).offsetParent) continue;
        const size = Number.parseFloat(getComputedStyle(el).fontSize);
        if (size < least) out.push(`${size}px: ${el.textContent?.trim().slice(0, 30)}`);
      }
      for (const el of document.querySelectorAll<HTMLElement>('.btn, .ib, nav a')) {
        if (el.offsetParent && el.getBoundingClientRect().height < 42) out.push(`low target: ${el.textContent?.trim().slice(0, 30)}`);
      }
      return out;
    },
    elder ? 16 : 12,
  );
  await page.setViewportSize(size);
  return [...axe, ...own];
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
