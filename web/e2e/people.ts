import { expect, type Page } from '@playwright/test';
import { demoAddress } from '../src/lib/demo';

export const base = (): string => process.env.TULOU_URL ?? 'http://localhost:8545';

export async function open(page: Page, path: string): Promise<void> {
  await page.goto(base() + path);
}

/** Opens the fold with the people of the demo. */
export async function openDemo(page: Page, at = base()): Promise<void> {
  await page.goto(`${at}/me`);
  const fold = page.locator('details.demo');
  await expect(fold).toBeVisible();
  if ((await fold.getAttribute('open')) === null) await fold.locator('summary').click();
}

/** Becomes an office or owner through the page that offers it. */
export async function become(page: Page, name: string): Promise<void> {
  await openDemo(page);
  await page.getByRole('button', { name, exact: true }).click();
  // The key is made on the way; the page moves on when it is.
  await page.waitForURL((url) => url.pathname !== '/me');
}

/** Becomes somebody of the demo by the name of their key, without the page that offers them. */
export async function becomeName(page: Page, name: string): Promise<void> {
  await open(page, '/');
  await page.evaluate(([key, value]) => localStorage.setItem(key ?? '', value ?? ''), ['tulou.actor', `${name} ${demoAddress(name)}`]);
}

/** Becomes an owner who has not voted yet, as the page offers them. */
export async function becomeVoter(page: Page, at = base()): Promise<void> {
  await openDemo(page, at);
  await page
    .getByRole('button', { name: /还没投票/ })
    .first()
    .click();
  await expect(page.getByRole('link', { name: '去投票' }).first()).toBeVisible();
}

/** First REST item that fits. */
export async function first<T>(path: string, fits: (item: T) => boolean): Promise<T> {
  const answer = await fetch(base() + path);
  const body = (await answer.json()) as { items: T[] };
  const found = body.items.find(fits);
  if (!found) throw new Error(`nothing fits in ${path}`);
  return found;
}
