#!/usr/bin/env node
/**
 * Runs a benchmark of this folder with Hyperledger Caliper against a node:
 *   node run.mjs simple|native [--url ws://127.0.0.1:8545] [--number 5000] [--report report.html]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const caliper = createRequire(import.meta.url).resolve('@hyperledger/caliper-cli/caliper.js');

const BENCHMARKS = {
  simple: { network: 'network.json', benchmark: 'bench.yaml', flags: [] },
  // The module is there already: nothing is installed.
  native: { network: 'network-native.json', benchmark: 'bench-native.yaml', flags: ['--caliper-flow-skip-install'] },
};

/** What Caliper's manager says last when every round was carried out. */
const FINISHED = 'Benchmark successfully finished!';
/** Heading of the table of all rounds. */
const SUMMARY = '### All test results ###';

/**
 * Runs one benchmark to its end and ends every process of it.
 * @param {object} options `name` of the benchmark, `url` (ws://) of the node, `number` of transactions of a round,
 *   `report` (path of the HTML page), `env` (settings of Caliper), `limit` (milliseconds after which it is given up),
 *   `say` (takes each line of the log).
 * @returns {Promise<{finished: boolean, rounds: object[], log: string}>} each round as `{ name, succ, fail, cells }`.
 */
export async function run({ name, url, number, report, env = {}, limit, say = () => {} }) {
  const { network, benchmark, flags } = BENCHMARKS[name];
  const folder = await mkdtemp(join(tmpdir(), 'tulou-caliper-'));
  try {
    const paths = { network: join(folder, network), benchmark: join(folder, benchmark), report: report ?? join(folder, 'report.html') };
    const config = JSON.parse(await readFile(join(here, network), 'utf8'));
    if (url) config.ethereum.url = url;
    await writeFile(paths.network, JSON.stringify(config));
    await writeFile(paths.benchmark, withNumber(await readFile(join(here, benchmark), 'utf8'), number));
    const args = [
      caliper, 'launch', 'manager', '--caliper-workspace', here, '--caliper-networkconfig', paths.network,
      '--caliper-benchconfig', paths.benchmark, '--caliper-report-path', paths.report, ...flags,
    ];
    const { finished, lines } = await launch(args, { ...process.env, ...env }, limit, say);
    return { finished, rounds: summary(lines), log: lines.join('\n') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function withNumber(text, number) {
  if (number === undefined) return text;
  const anchor = /^number: &number \d+$/m;
  if (!anchor.test(text)) throw new Error('the benchmark has no line "number: &number ..."');
  return text.replace(anchor, `number: &number ${number}`);
}

/**
 * Starts the manager, which starts the workers, in a group of their own. The connector never closes its sockets, so
 * none of them would end before the node does: the group is ended as soon as the manager has said its last word.
 */
async function launch(args, env, limit, say) {
  const manager = spawn(process.execPath, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = [];
  let finished = false;
  const end = (signal) => {
    try {
      process.kill(-manager.pid, signal);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  };
  const stop = () => end('SIGTERM');
  for (const stream of [manager.stdout, manager.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      say(line);
      if (line.includes(FINISHED)) {
        finished = true;
        stop();
      }
    });
  }
  // A manager that failed leaves its workers behind.
  manager.on('exit', stop);
  const late = limit && setTimeout(() => end('SIGKILL'), limit);
  process.on('SIGINT', stop).on('SIGTERM', stop);
  // Not before the last process of the group has closed its end of the pipes.
  await once(manager, 'close');
  process.off('SIGINT', stop).off('SIGTERM', stop);
  clearTimeout(late);
  return { finished, lines };
}

/** Rows of the table that the manager prints at the end. */
function summary(lines) {
  const start = lines.findIndex((line) => line.includes(SUMMARY));
  if (start < 0) return [];
  const table = [];
  for (const line of lines.slice(start + 1)) {
    if (line.startsWith('| ')) table.push(line.split('|').slice(1, -1).map((cell) => cell.trim()));
    else if (table.length > 0 && !/^[|+]-/.test(line)) break;
  }
  const [head = [], ...rows] = table;
  return rows.map((row) => {
    const cells = Object.fromEntries(head.map((title, i) => [title, row[i]]));
    return { name: cells.Name, succ: Number(cells.Succ), fail: Number(cells.Fail), cells };
  });
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { url: { type: 'string' }, number: { type: 'string' }, report: { type: 'string' } },
  });
  const [name] = positionals;
  if (positionals.length !== 1 || !BENCHMARKS[name] || !/^[1-9]\d*$/.test(values.number ?? '1')) {
    console.error('usage: run.mjs simple|native [--url ws://127.0.0.1:8545] [--number 5000] [--report report.html]');
    process.exit(2);
  }
  const report = values.report && resolve(values.report);
  if (report) await mkdir(dirname(report), { recursive: true });
  const { finished, rounds } = await run({ name, url: values.url, number: values.number, report, say: (line) => console.log(line) });
  process.exit(finished && rounds.every((round) => round.fail === 0) ? 0 : 1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
