// Fails when the app outgrows what a cheap phone loads at once. Sizes are gzip bytes of the built files.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const kB = (n) => `${(n / 1000).toFixed(1)} kB`;
const size = (path) => gzipSync(readFileSync(path), { level: 9 }).length;
const html = readFileSync('dist/index.html', 'utf8');
const refs = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((m) => `dist${m[1]}`);
const entry = refs.filter((p) => p.endsWith('.js'));
const css = refs.filter((p) => p.endsWith('.css'));

const rows = [
  ['entry JS', entry.reduce((n, p) => n + size(p), 0), 45_000],
  ['first load', [...entry, ...css, 'dist/index.html'].reduce((n, p) => n + size(p), 0) + homeChunks(), 75_000],
];
for (const name of readdirSync('dist/assets').filter((n) => /^chain-.*\.js$/.test(n)))
  rows.push(['sign chunk', size(`dist/assets/${name}`), 90_000]);

/** The lazily loaded pieces that the home page asks for at once. */
function homeChunks() {
  return readdirSync('dist/assets')
    .filter((n) => /^Home-.*\.js$/.test(n))
    .reduce((n, name) => n + size(`dist/assets/${name}`), 0);
}

let over = false;
for (const [name, have, limit] of rows) {
  over ||= have > limit;
  console.log(`${have > limit ? 'OVER' : 'ok  '} ${name.padEnd(12)} ${kB(have).padStart(9)} of ${kB(limit)}`);
}
if (over) process.exit(1);
