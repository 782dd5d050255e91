/** Starts the five members of the demo consortium as real processes behind their front door, in a folder of their own. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tulou, type Running } from './node';

/** Five processes tell a year of the estate to each other before the door opens. */
const PATIENCE_MS = 600_000;

export async function consortium(): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'tulou-five-'));
  const door = spawn(tulou(), ['consortium', '--dir', folder, '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const over = new Promise<void>((done) => {
    door.once('exit', () => done());
  });
  const url = await new Promise<string>((done, fail) => {
    const late = setTimeout(() => fail(new Error(`the door did not open in ${PATIENCE_MS / 1000} s:\n${said}`)), PATIENCE_MS);
    const hear = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-8_000);
      const at = /http:\/\/localhost:\d+/.exec(said)?.[0];
      if (!at) return;
      clearTimeout(late);
      done(at);
    };
    door.stdout.on('data', hear);
    door.stderr.on('data', hear);
    void over.then(() => {
      clearTimeout(late);
      fail(new Error(`the consortium ended before its door opened:\n${said}`));
    });
  });
  return {
    url,
    stop: async () => {
      door.kill('SIGTERM');
      await over;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
