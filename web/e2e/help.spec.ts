import { expect, test, type Page } from '@playwright/test';
import { keccak256, toHex } from 'viem';
import { demoAddress } from '../src/lib/demo';
import { joined } from './authenticator';
import { clean, cleanEverywhere } from './clean';
import { base, becomeName, open } from './people';
import { act, view } from './wire';

/** Who is somebody's helper in these tests; nobody else is. */
const HELPER = 'O0091';

test.beforeAll(() => act('registrar', 'registry', 'postRoll', []));

const link = async (page: Page): Promise<string> => {
  await page.getByRole('dialog').getByRole('button', { name: '做成码' }).click();
  return (await page.locator('[data-link]').getAttribute('data-link')) ?? '';
};
/** Opens a link as if it had been scanned. */
async function scan(page: Page, code: string): Promise<void> {
  await page.goto('about:blank');
  await page.goto(code);
}
const told = (page: Page, doubt: string) => expect(page.locator(`[data-doubt=${doubt}]`)).toBeVisible();
const path = (code: string): string => code.replace(base(), '');

/** The three forms that a helper fills in for an elder, as links. */
const fill = {
  async ballot(page: Page, elder: string, title: RegExp): Promise<string> {
    await open(page, `/help/${elder}`);
    await page.getByRole('link', { name: title }).first().click();
    await expect(page.getByText('签字要他本人来')).toBeVisible();
    await page.getByText('同意照这个议题去做').click();
    await page.getByRole('button', { name: '填好了，做成码' }).click();
    return link(page);
  },
  async pay(page: Page, elder: string): Promise<string> {
    await open(page, `/help/${elder}`);
    await page.getByRole('link', { name: /转账/ }).click();
    await page.getByLabel(/转给/).fill(demoAddress('O0103'));
    await page.getByRole('button', { name: '加上' }).click();
    await page.getByLabel('金额（元）').fill('50.00');
    await page.getByLabel('为什么').fill('水管押金');
    await page.getByRole('button', { name: '填好了，做成码' }).click();
    return link(page);
  },
  async object(page: Page, elder: string, words: string): Promise<string> {
    await open(page, `/help/${elder}`);
    await page.getByRole('link', { name: '对公示的名册提异议' }).click();
    await page.getByLabel('哪里不对').fill(words);
    await page.getByRole('button', { name: '填好了，做成码' }).click();
    return link(page);
  },
};

test('a helper prepares a vote, a transfer and an objection; the elder reads, changes and signs', async ({ page, browser }, info) => {
  test.setTimeout(240_000);
  const { address, home } = await joined(page);
  await act('bank', 'money', 'issue', [1, address, 20_000n, keccak256(toHex(`help ${Date.now()}`))]);
  // The person names the helper by their code.
  await open(page, '/devices/guardians');
  await page.getByRole('button', { name: '请他当帮手' }).click();
  await page.locator('#helper').fill(demoAddress(HELPER));
  await page
    .locator('form', { has: page.locator('#helper') })
    .getByRole('button')
    .click();
  await expect(page.getByText('帮手已改好')).toBeVisible();

  const helper = await (await browser.newContext({ locale: 'zh-CN', viewport: page.viewportSize() })).newPage();
  await becomeName(helper, HELPER);
  await open(helper, '/me');
  await helper
    .getByRole('link', { name: /^帮 .* 办事/ })
    .first()
    .click();
  await expect(helper.getByRole('heading', { name: /您在帮 .* 准备/ })).toBeVisible();
  await cleanEverywhere(helper, `/help/${address}`, 'help', info.project.name);

  const vote = await fill.ballot(helper, address, /更换全区供水立管和水泵/);
  await expect(helper.getByRole('heading', { name: '准备好了，请本人扫码确认' })).toBeVisible();
  await expect(helper.getByRole('img', { name: '给本人扫的码' })).toBeVisible();
  await clean(helper, 'help-code', info.project.name);
  const money = await fill.pay(helper, address);
  const objection = await fill.object(helper, address, '少记了 2 ㎡');
  // Nothing was written by the helper, and nothing by the elder yet.
  const ballots = () => view<{ choice: number }[]>(`decisions/votes_of?id=${home.motion}&account=${address}`);
  const before = (await ballots())[0]?.choice;
  expect((await view<{ balance_fen: string }>(`money/balance?of_asset=1&account=${address}`)).balance_fen).toBe('20000');

  await cleanEverywhere(page, path(money), 'prepared', info.project.name);
  await scan(page, money);
  const shown = page.locator('[data-prepared=pay]');
  await expect(shown).toContainText('50.00');
  await expect(shown).toContainText('水管押金');
  await expect(shown).toContainText('您的帮手');
  await page.getByRole('button', { name: '看清楚了，去办' }).click();
  await expect(page.getByText(/替您填的/)).toBeVisible();
  await expect(page.getByLabel('金额（元）')).toHaveValue('50.00');
  // Everything may be changed.
  await page.getByLabel('金额（元）').fill('45.00');
  await clean(page, 'pay-taken', info.project.name);
  await page.getByRole('button', { name: '看一遍再转' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '转出' }).click();
  await expect(page.getByText('已核实')).toBeVisible();
  expect((await view<{ balance_fen: string }>(`money/balance?of_asset=1&account=${address}`)).balance_fen).toBe('15500');

  await scan(page, vote);
  await expect(page.locator('[data-prepared=ballot]')).toContainText('更换全区供水立管和水泵');
  expect((await ballots())[0]?.choice).toBe(before);
  await page.getByRole('button', { name: '看清楚了，去办' }).click();
  await expect(page.getByRole('radio', { checked: true })).toHaveValue('1');
  await page.getByRole('button', { name: '看一遍再投' }).click();
  await expect(page.getByRole('dialog')).toContainText('我代表');
  await page.getByRole('button', { name: '投出赞成票' }).click();
  await expect(page.getByText('已核实')).toBeVisible();
  expect((await ballots())[0]?.choice).toBe(1);

  await scan(page, objection);
  await page.getByRole('button', { name: '看清楚了，去办' }).click();
  await expect(page.getByLabel('哪里不对')).toHaveValue('少记了 2 ㎡');
  await page.getByRole('button', { name: '提异议', exact: true }).click();
  await expect(page.getByText('已核实')).toBeVisible();
  // What was taken over once does not come back by itself.
  await open(page, '/pay');
  await expect(page.getByLabel('金额（元）')).toHaveValue('');
  await helper.context().close();
});

test('a stranger, a forger and a helper of before are told so, and nothing is filled in', async ({ page, browser }, info) => {
  test.setTimeout(240_000);
  const elder = demoAddress('O0101');
  await act('O0101', 'accounts', 'nameHelper', [demoAddress(HELPER)]);
  await becomeName(page, HELPER);
  const good = await fill.ballot(page, elder, /更换全区供水立管和水泵/);

  const other = await (await browser.newContext({ locale: 'zh-CN', viewport: page.viewportSize() })).newPage();
  // Nobody yet: it is not said what stands in it.
  await scan(other, good);
  await expect(other.getByRole('heading', { name: '这一页要先登录' })).toBeVisible();
  await expect(other.getByText('更换全区')).toHaveCount(0);
  await clean(other, 'prepared-out', info.project.name);
  await becomeName(other, 'O0102');
  await scan(other, good);
  await told(other, 'other');
  await clean(other, 'prepared-other', info.project.name);

  await becomeName(other, 'O0101');
  await scan(other, good);
  await expect(other.locator('[data-prepared=ballot]')).toBeVisible();
  // The choice was changed on the way, so that the helper's signature is none of it.
  await scan(other, good.replace(/\.ballot\.(\d+)\.1\./, '.ballot.$1.2.'));
  await told(other, 'forged');
  await expect(other.getByText('填的人对不上')).toBeVisible();
  await clean(other, 'prepared-forged', info.project.name);
  // Somebody who is not the helper, honestly under their own name.
  await scan(other, good.replace(demoAddress(HELPER), demoAddress('O0102')));
  await told(other, 'notHelper');
  for (const [code, doubt] of [
    [good.slice(0, -4), 'cut'],
    [good.replace('#1.', '#2.'), 'newer'],
    [good.replace('.ballot.', '.freeze.'), 'unknown'],
    [good.replace('.ballot.', '.ballot.x'), 'odd'],
    [good.replace('#1.7755.', '#1.7756.'), 'elsewhere'],
    [good.replace(/\.\d{10}\./, '.1700000000.'), 'over'],
  ] as const) {
    await scan(other, code);
    await told(other, doubt);
    await expect(other.getByRole('button', { name: '看清楚了，去办' })).toHaveCount(0);
  }

  // Who is nobody's helper cannot prepare, and one who is no helper any more neither.
  await act('O0101', 'accounts', 'nameHelper', [`0x${'00'.repeat(20)}`]);
  await scan(other, good);
  await told(other, 'notHelper');
  await open(page, `/help/${elder}`);
  await expect(page.getByRole('heading', { name: '这个账户没有请您当帮手' })).toBeVisible();
  await open(page, `/pay?for=${elder}`);
  await other.context().close();
});
