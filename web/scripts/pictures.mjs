// Retakes docs/pictures from a running demo estate: node scripts/pictures.mjs http://localhost:8545
// It only looks: somebody is chosen on the page, no vote is cast and nothing is signed.
import { mkdir } from 'node:fs/promises';
import { chromium } from '@playwright/test';

const base = process.argv[2] ?? 'http://localhost:8545';
const folder = new URL('../../docs/pictures/', import.meta.url);
const OPEN = 2;

const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1.5, isMobile: true, hasTouch: true };
const desk = { viewport: { width: 1280, height: 800 } };

const answer = await fetch(`${base}/api/v1/decisions/motions?state=${OPEN}&limit=1`);
const { items } = await answer.json();
if (!items?.length) throw new Error(`${base} has no open motion: start over with tulou dev --fresh`);
const motion = items[0].id;

const pictures = [
  { name: 'home', who: /还没投票/, path: '/', size: phone },
  { name: 'motion', who: /还没投票/, path: `/votes/${motion}`, size: phone },
  { name: 'console', who: '业委会主任', path: `/console/votes/${motion}`, size: desk },
];

await mkdir(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
for (const { name, who, path, size } of pictures) {
  const context = await browser.newContext({ ...size, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' });
  const page = await context.newPage();
  await page.goto(`${base}/me`);
  await page.getByRole('button', { name: who, exact: true }).first().click();
  await page.waitForURL((url) => url.pathname !== '/me');
  await page.goto(`${base}${path}`, { waitUntil: 'networkidle' });
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: new URL(`${name}.png`, folder).pathname });
  await context.close();
  console.log(`docs/pictures/${name}.png`);
}
await browser.close();
