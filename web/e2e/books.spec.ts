/** Who keeps the book, in every state, on a book of our own making; see `book.ts`. No node is needed. */
import { expect, test, type Page } from '@playwright/test';
import { printKeySheet } from '../verifier/src/sheet';
import { APP, Book, five, type BookPlan, type Office } from './book';
import { owes } from './owes';

const with5 = (...states: Partial<Office>[]): Office[] => five().map((o, i) => ({ ...o, ...states[i] }));
const many = (n: number): Office[] =>
  [...five(), ...['居委会', '派出所', '审计所', '消防站', '社区医院', '燃气公司', '供电所'].map((name) => ({ name }))].slice(0, n);
const modes = [
  { name: 'zh', query: 'lang=zh&elder=0' },
  { name: 'en', query: 'lang=en&elder=0' },
  { name: 'elder', query: 'lang=zh&elder=1' },
];
interface Case {
  plan: BookPlan;
  standing: string;
  lamps: string[];
  says: string;
}
const ok5 = ['ok', 'ok', 'ok', 'ok', 'ok'];
const cases: Record<string, Case> = {
  agrees: { plan: { offices: five() }, standing: 'all', lamps: ok5, says: '五家的账一模一样' },
  behind: {
    plan: { offices: with5({}, {}, { state: 'behind' }), demo: true, proposal: '街道办更换签字钥匙' },
    standing: 'enough',
    lamps: ['ok', 'ok', 'behind', 'ok', 'ok'],
    says: '开户行慢 12 页，正在自动补，不丢账。',
  },
  stopped: {
    plan: { offices: with5({}, {}, { state: 'stopped' }), demo: true },
    standing: 'enough',
    lamps: ['ok', 'ok', 'stopped', 'ok', 'ok'],
    says: '开户行停了，回来以后会自己补齐。',
  },
  stalled: {
    plan: {
      offices: with5({}, {}, { state: 'stopped' }, { state: 'stopped' }),
      demo: true,
      stalled: { sinceMs: Date.now() - 140_000, missing: [2, 3], needed: 4, have: 3 },
    },
    standing: 'stalled',
    lamps: ['ok', 'ok', 'stopped', 'stopped', 'ok'],
    says: '要四家签字才算数，现在只有三家',
  },
  differs: {
    plan: { offices: with5({}, {}, { state: 'differs' }) },
    standing: 'differs',
    lamps: ['ok', 'ok', 'bad', 'ok', 'ok'],
    says: '请以其余几家为准',
  },
  quiet: {
    plan: { offices: with5({}, {}, {}, { silentFrom: 1 }) },
    standing: 'all',
    lamps: ['ok', 'ok', 'ok', 'quiet', 'ok'],
    says: '物业跟得上，只是最近几页没赶上签字',
  },
  forged: {
    plan: { offices: five(), forged: true },
    standing: 'checking',
    lamps: ['wait', 'wait', 'wait', 'wait', 'wait'],
    says: '这台服务器给的最新一页，签字对不上',
  },
  lone: { plan: { offices: many(5).slice(4) }, standing: 'lone', lamps: ['ok'], says: '现在只有一家在记账' },
  seven: { plan: { offices: many(7) }, standing: 'all', lamps: Array(7).fill('ok'), says: '停 1 到 2 家' },
  twelve: { plan: { offices: many(12) }, standing: 'all', lamps: [], says: '十二家的账一模一样' },
};

let book: Book;
let base: string;
const serve = async (plan: BookPlan): Promise<void> => {
  book = new Book(structuredClone(plan));
  base = await book.start();
};
test.afterEach(() => book.stop());

const shoot = async (page: Page, name: string): Promise<void> => {
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}.png`, fullPage: true });
};
const lamps = (page: Page): Promise<(string | undefined)[]> =>
  page.locator('[data-lamp]').evaluateAll((all) => all.map((el) => (el as SVGElement).dataset['lamp']));

for (const [name, { plan, standing, lamps: shown, says }] of Object.entries(cases))
  test(`the book ${name}`, async ({ page }, info) => {
    test.setTimeout(120_000);
    await serve(plan);
    const path = info.project.name === 'console' ? '/console/books' : '/books';
    for (const mode of modes) {
      await page.goto(`${base}${path}?${mode.query}`);
      await expect(page.locator(`[data-standing=${standing}]`)).toBeVisible();
      await expect.poll(() => lamps(page)).toEqual(shown);
      if (mode.name === 'zh') await expect(page.getByText(says).first()).toBeVisible();
      if (mode.name === 'zh' && plan.proposal) {
        await expect(page.getByText(plan.proposal)).toBeVisible();
        await expect(page.getByText('还差 1 票参与')).toBeVisible();
      }
      await shoot(page, `${info.project.name}-${name}-${mode.name}`);
      expect(await owes(page, mode.name === 'elder'), mode.name).toEqual([]);
    }
  });

test('a server that goes away is told as such, and jade goes out', async ({ page }) => {
  await serve({ offices: five() });
  await page.goto(`${base}/books`);
  await expect.poll(() => lamps(page)).toEqual(ok5);
  book.away = true;
  await expect(page.locator('[data-notice=old]')).toContainText(/\d+ 秒前的样子/, { timeout: 30_000 });
  expect(await lamps(page)).toEqual(['wait', 'wait', 'wait', 'wait', 'wait']);
  await expect(page.getByText('第 48,213 页').first()).toBeVisible();
  book.away = false;
  await expect.poll(() => lamps(page), { timeout: 30_000 }).toEqual(ok5);
});

test('whoever looks closer sees the mark of the web app', async ({ page }) => {
  await serve({ offices: five() });
  await page.goto(`${base}/books`);
  await page.locator('details summary').last().click();
  await expect(page.getByText('网页程序的印记')).toBeVisible();
  await expect(page.getByText(APP)).toBeVisible();
  await shoot(page, 'app-mark');
  expect(await owes(page, false)).toEqual([]);
});

test('stopping says before what it will do', async ({ page }) => {
  await serve({ offices: five(), demo: true });
  await page.goto(`${base}/books`);
  await page.getByRole('button', { name: '停一停 开户行' }).click();
  await expect(page.getByRole('dialog')).toContainText('其余四家照常记账');
  await shoot(page, 'stop');
  await page.getByRole('dialog').getByRole('button', { name: '先不' }).click();
  expect(book.turned).toEqual([]);
  await page.getByRole('button', { name: '停一停 开户行' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '停一停' }).click();
  await expect.poll(() => lamps(page)).toEqual(['ok', 'ok', 'stopped', 'ok', 'ok']);
  await page.getByRole('button', { name: '停一停 物业' }).click();
  await expect(page.getByRole('dialog')).toContainText('只剩三家，不够四家');
  await page.getByRole('dialog').getByRole('button', { name: '先不' }).click();
  await page.getByRole('button', { name: '开起来 开户行' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '开起来' }).click();
  await expect.poll(() => lamps(page)).toEqual(ok5);
  expect(book.turned).toEqual(['stop 2', 'start 2']);
});

test('there is nothing to stop on a book that is no demo', async ({ page }) => {
  await serve({ offices: five() });
  await page.goto(`${base}/books`);
  await expect(page.locator('[data-member]')).toHaveCount(5);
  await expect(page.getByRole('button', { name: /停一停/ })).toHaveCount(0);
});

const check = async (page: Page, text: string): Promise<void> => {
  await page.locator('#sheet').fill(text);
  await page.locator('form').getByRole('button').click();
};

for (const mode of modes)
  test(`the key sheet of the lobby, ${mode.name}`, async ({ page }, info) => {
    test.setTimeout(120_000);
    await serve({ offices: five() });
    const elder = mode.name === 'elder';
    const seen = async (name: string): Promise<void> => {
      await shoot(page, `${info.project.name}-${name}-${mode.name}`);
      expect(await owes(page, elder), name).toEqual([]);
    };
    await page.goto(`${base}/key-sheet?${mode.query}`);
    await expect(page.locator('footer svg path')).toHaveCount(5);
    await seen('sheet');
    const printed = await page.locator('.code[role=img]').getAttribute('aria-label');
    await page.goto(`${base}/key-sheet/check?${mode.query}`);
    await expect(page.locator('#sheet')).toBeVisible();
    await seen('check');
    await check(page, 'tulou:1:AAAA');
    await expect(page.locator('.wrong')).toBeVisible();
    await check(page, printKeySheet(book.sheet));
    await expect(page.locator('[data-outcome=same]')).toBeVisible();
    expect(await page.locator('.code[role=img]').getAttribute('aria-label')).toBe(printed);
    await seen('same');
    // Another sheet hangs in the lobby: it is believed, and the server is not.
    await check(page, printKeySheet({ ...book.sheet, validators: book.sheet.validators.slice(0, 4) }));
    await expect(page.locator('[data-outcome=differs]')).toBeVisible();
    await expect(page.locator('.only')).toHaveCount(1);
    await seen('differs');
    await page.goto(`${base}/books`);
    await expect(page.locator('[data-notice=wrong]')).toBeVisible();
    expect(await lamps(page)).not.toContain('ok');
  });

test('the key sheet fits one page of paper', async ({ page }) => {
  await serve({ offices: many(12) });
  for (const mode of modes) {
    await page.goto(`${base}/key-sheet?${mode.query}`);
    await expect(page.locator('footer')).toBeVisible();
    const pdf = (await page.pdf({ preferCSSPageSize: true })).toString('latin1');
    expect(pdf.match(/\/Type\s*\/Page[^s]/g)).toHaveLength(1);
    // As wide as A4 without its margins, it is no higher than A4 without them.
    await page.emulateMedia({ media: 'print' });
    await page.setViewportSize({ width: 680, height: 1000 });
    await shoot(page, `paper-${mode.name}`);
    expect(await page.locator('.paper').evaluate((el) => el.getBoundingClientRect().height)).toBeLessThanOrEqual((267 / 25.4) * 96);
    await page.emulateMedia({ media: null });
  }
});
