/** What every screen owes, looked at in Chinese, English and large type; with `SHOTS=folder` it is photographed as well. */
import { expect, type Page } from '@playwright/test';
import { owes } from './owes';
import { open } from './people';

const modes = ['lang=en&elder=0', 'lang=zh&elder=1', 'lang=zh&elder=0'];

export async function clean(page: Page, name: string, project: string): Promise<void> {
  await expect(page.locator('[aria-busy=true]')).toHaveCount(0);
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${project}-${name}.png`, fullPage: true });
  expect(await owes(page, (await page.locator('html').getAttribute('data-scale')) === 'elder'), name).toEqual([]);
}

/** Ends in Chinese and plain type. */
export async function cleanEverywhere(page: Page, path: string, name: string, project: string): Promise<void> {
  const [before, fragment = ''] = path.split('#');
  for (const mode of modes) {
    // A fragment alone would not load the page anew.
    await page.goto('about:blank');
    await open(page, `${before}?${mode}${fragment && `#${fragment}`}`);
    await expect(page.locator('h1, h2').first()).toBeVisible();
    await clean(page, `${name}-${mode.replace(/\W/g, '')}`, project);
  }
}
