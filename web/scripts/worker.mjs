// Writes dist/sw.js from worker/sw.js: the list of the build's files with their SHA-256, and a release name made of it.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const walk = (dir) =>
  readdirSync(dir).flatMap((name) => {
    const path = join(dir, name);
    return statSync(path).isDirectory() ? walk(path) : [path];
  });
const sha256 = (data) => createHash('sha256').update(data).digest('hex');

const files = walk('dist')
  .filter((path) => !/\.(br|gz)$/.test(path) && path !== join('dist', 'sw.js'))
  .map((path) => [`/${path.slice('dist/'.length)}`, sha256(readFileSync(path))])
  .sort(([a], [b]) => (a < b ? -1 : 1));
const release = sha256(JSON.stringify(files)).slice(0, 16);
const text = readFileSync('worker/sw.js', 'utf8');
writeFileSync('dist/sw.js', text.replace('__RELEASE__', release).replace('__FILES__', JSON.stringify(files)));
