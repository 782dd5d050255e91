// Retakes docs/pictures from a running demo estate: node scripts/pictures.mjs http://localhost:8545
// It only looks: somebody is chosen on the page, no vote is cast and nothing is signed. The pictures of the five books
// and of the lobby's sheets are taken only where the address is that of a consortium (make consortium).
import { mkdir } from 'node:fs/promises';
import { chromium } from '@playwright/test';

const base = process.argv[2] ?? 'http://localhost:8545';
const folder = new URL('../../docs/pictures/', import.meta.url);
const OPEN = 2;

const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1.5, isMobile: true, hasTouch: true };
const desk = { viewport: { width: 1280, height: 800 } };
const sheet = { viewport: { width: 860, height: 1216 } };

const answer = await fetch(`${base}/api/v1/decisions/motions?state=${OPEN}&limit=1`);
const { items } = await answer.json();
if (!items?.length) throw new Error(`${base} has no open motion: start over with tulou dev --fresh`);
const motion = items[0].id;

const pictures = [
  { name: 'home', who: /还没投票/, path: '/', size: phone },
  { name: 'motion', who: /还没投票/, path: `/votes/${motion}`, size: phone },
  { name: 'console', who: '业委会主任', path: `/console/votes/${motion}`, size: desk },
];

const keepers = await fetch(`${base}/api/v1/node/consortium`).then(
  (r) => (r.ok ? r.json() : { members: [] }),
  () => ({ members: [] }),
);
const PASSED = 4;
const decided = (await (await fetch(`${base}/api/v1/decisions/motions?state=${PASSED}&limit=1`)).json()).items?.[0]?.id;
const lamps = '[data-lamp=ok]';
const ticks = 'footer svg path';
if (keepers.members.length > 1)
  pictures.push(
    { name: 'five-books', who: '业委会主任', path: '/console/books', size: desk, until: lamps },
    { name: 'five-books-phone', who: /还没投票/, path: '/books', size: phone, until: lamps },
    { name: 'key-sheet', who: '业委会主任', path: '/key-sheet', size: sheet, until: ticks },
    ...(decided ? [{ name: 'lobby-sheet', who: '业委会主任', path: `/votes/${decided}/notice`, size: sheet, until: ticks }] : []),
  );

await mkdir(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
for (const { name, who, path, size, until } of pictures) {
  const context = await browser.newContext({ ...size, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' });
  const page = await context.newPage();
  await page.goto(`${base}/me`);
  await page.locator('details.demo > summary').click();
  await page.getByRole('button', { name: who, exact: true }).first().click();
  await page.waitForURL((url) => url.pathname !== '/me');
  await page.goto(`${base}${path}`, { waitUntil: 'networkidle' });
  // Every office has been seen to sign, or as many as do within half a minute.
  if (until)
    await page
      .locator(until)
      .nth(keepers.members.length - 1)
      .waitFor({ timeout: 30_000 })
      .catch(() => undefined);
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: new URL(`${name}.png`, folder).pathname });
  await context.close();
  console.log(`docs/pictures/${name}.png`);
}
await browser.close();
