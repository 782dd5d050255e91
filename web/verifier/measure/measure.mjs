// Prints how long a receipt takes to check, in Node and in Chromium. Measures, asserts nothing.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';

const script = readFileSync(new URL('../dist/verifier.js', import.meta.url));
const vectors = readFileSync(new URL('../../../tests/vectors/light.json', import.meta.url), 'utf8');
const ROUNDS = 200;

/** Runs in Node and in the browser alike; needs nothing from outside. */
async function measure({ LightClient, parseKeySheet }, text, rounds) {
  const vectors = JSON.parse(text);
  const one = vectors.cases.find((x) => x.name === 'receipt: 127 on page 9');
  const client = new LightClient(parseKeySheet(vectors.sheet));
  for (const link of vectors.links.slice(0, 2)) await client.follow(link);
  const times = [];
  for (let i = 0; i < rounds; i += 1) {
    const from = performance.now();
    const verdict = await client.receipt(one.proof, one.transaction);
    times.push(performance.now() - from);
    if (!verdict.ok) throw new Error(verdict.reason);
  }
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(share * times.length))].toFixed(2);
  return `${times.length} checks of a receipt, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}

console.log(`size: ${script.length} bytes, ${gzipSync(script).length} compressed`);
console.log(`node ${process.version}: ${await measure(await import('../dist/verifier.js'), vectors, ROUNDS)}`);

const server = createServer((request, response) => {
  const isScript = request.url === '/verifier.js';
  response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' });
  response.end(isScript ? script : '<!doctype html><title>measure</title>');
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
try {
  const { chromium } = await import('@playwright/test');
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const said = await page.evaluate(
    async ([body, text, rounds]) => {
      const run = new Function(`return (${body})`)();
      return run(await import('/verifier.js'), text, rounds);
    },
    [measure.toString(), vectors, ROUNDS],
  );
  console.log(`chromium ${browser.version()}: ${said}`);
  await browser.close();
} catch (error) {
  console.log(`chromium: not measured (${error.message.split('\n')[0]})`);
} finally {
  server.close();
}
