// Draws the app's icons from the logo into public/: node scripts/icons.mjs. The pictures are kept in the repository.
import { readFileSync } from 'node:fs';
import { chromium } from '@playwright/test';

const logo = readFileSync('public/favicon.svg', 'utf8');
const icons = [
  { name: 'icon-192', size: 192, share: 0.86 },
  { name: 'icon-512', size: 512, share: 0.86 },
  // A phone may cut a maskable icon to a circle: the mark stays inside of four fifths.
  { name: 'icon-maskable-512', size: 512, share: 0.66 },
  { name: 'apple-touch-icon', size: 180, share: 0.8 },
];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
const page = await browser.newPage();
for (const { name, size, share } of icons) {
  await page.setViewportSize({ width: size, height: size });
  const side = Math.round(size * share);
  await page.setContent(
    `<style>body{margin:0;background:#F5F0E7;display:grid;place-items:center;height:100vh}svg{width:${side}px;height:${side}px}</style>${logo}`,
  );
  await page.screenshot({ path: `public/${name}.png` });
}
await browser.close();
