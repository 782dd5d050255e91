import { readFile } from 'node:fs/promises';
import { expect, test, type Browser, type Page } from '@playwright/test';
import { keccakHex } from '../src/lib/sha';
import { Authenticator, joined } from './authenticator';
import { clean } from './clean';
import { base, become, open } from './people';
import { headers, view } from './wire';

const DAY = 86_400;

async function phoneOf(browser: Browser): Promise<Page> {
  return (await browser.newContext({ locale: 'zh-CN', viewport: { width: 390, height: 844 } })).newPage();
}
/** The registrar finds an account by what the person says. */
async function find(page: Page, said: string): Promise<void> {
  await open(page, '/console/accounts');
  await page.getByLabel('哪一家的账户（房号或账户码）').fill(said);
  await page.getByRole('button', { name: '查找' }).click();
}
/** Presses a button that saves a file, and reads the file. */
async function saved(page: Page, name: string): Promise<string> {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name }).last().click();
  return readFile(await (await download).path(), 'utf8');
}

test('the registrar gives a new main key by documents, and the new phone sees when it counts', async ({ page, browser }, info) => {
  const { address, home } = await joined(await phoneOf(browser));
  const phone = await phoneOf(browser);
  await Authenticator.of(phone);
  await phone.goto(`${base()}/recover`);
  await phone.getByRole('button', { name: '用指纹做新钥匙' }).click();
  const code = (await phone.locator('.code').first().getAttribute('aria-label')) ?? '';
  const key = await phone.evaluate(() => (JSON.parse(localStorage.getItem('tulou.passkey') ?? '{}') as { address: string }).address);

  await become(page, '登记员');
  await find(page, home.unit.entry.code);
  // The home's earlier account, of the demo, is offered beside it.
  await page.getByRole('button', { name: `${address.slice(0, 6)}…${address.slice(-4)}` }).click();
  await page.getByLabel('他新手机上“请人帮我换钥匙”的网址').fill('https://example.org/');
  await expect(page.getByText('这不是他手机上的网址。')).toBeVisible();
  await page.getByLabel('他新手机上“请人帮我换钥匙”的网址').fill(`${base()}/vouch#1.${key}.3`);
  await expect(page.locator('.code').first()).toHaveAttribute('aria-label', code);
  await expect(page.getByRole('button', { name: '核对过了，开始换' })).toBeDisabled();
  await page.getByLabel('看了哪些证件').fill('身份证、不动产权证，原件');
  await clean(page, 'new-key', info.project.name);
  const record = await saved(page, '核对过了，开始换');
  await expect(page.getByText('已开始换钥匙')).toBeVisible();
  await clean(page, 'new-key-begun', info.project.name);
  const opened = await view<{ id: string; document: string; opened_at: string; ready_at: string }>(
    `accounts/open_recovery_of?of_account=${address}`,
  );
  expect(record).toContain('身份证、不动产权证，原件');
  expect(opened.document).toBe(keccakHex(record));
  expect(Number(opened.ready_at) - Number(opened.opened_at)).toBe(15 * DAY);
  await phone.goto(`${base()}/recover#1.${address}.${opened.id}.${opened.ready_at}`);
  await expect(phone.getByText(/^最早 .* 可以换$/)).toBeVisible();
});

test('the registrar ends a binding with a reason that stays in the office, and binds at the counter', async ({ page, browser }, info) => {
  const { address, home } = await joined(await phoneOf(browser));
  await become(page, '登记员');
  await find(page, address);
  await expect(page.getByRole('button', { name: '解除绑定' })).toBeDisabled();
  await page.getByLabel('理由和凭据').fill('已过户，新不动产权证已核对');
  await clean(page, 'unbind', info.project.name);
  await page.getByRole('button', { name: '解除绑定' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '先不' }).click();
  const bound = await view<string | { owner: string }>(`registry/owner_of?account=${address}`);
  expect(JSON.stringify(bound)).not.toMatch(/0x0{64}/);
  await page.getByRole('button', { name: '解除绑定' }).click();
  const record = await saved(page, '解除绑定');
  await expect(page.getByText('不代表任何房屋')).toBeVisible();
  await clean(page, 'unbound', info.project.name);
  const after = await view<string | { owner: string }>(`registry/owner_of?account=${address}`);
  expect(JSON.stringify(after)).toMatch(/0x0{64}/);
  // The book has the mark of the words, and not the words.
  const query = { topics: [keccakHex('AccountRemoved(address,bytes32,bytes32)'), `0x${address.slice(2).toLowerCase().padStart(64, '0')}`] };
  const answer = await fetch(base(), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(await headers('registrar')) },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getLogs', params: [{ fromBlock: '0x0', toBlock: 'latest', ...query }] }),
  });
  const { result } = (await answer.json()) as { result: { data: string }[] };
  expect(result.map((log) => log.data)).toEqual([keccakHex(record)]);

  // Who comes to the counter with papers needs no letter.
  await page.getByLabel('房号', { exact: true }).fill('9-9-999');
  await page.getByRole('button', { name: '查找' }).click();
  await expect(page.getByText('没有这个房号，或者还没登记业主。')).toBeVisible();
  await page.getByLabel('房号', { exact: true }).fill(home.unit.entry.code);
  await page.getByRole('button', { name: '查找' }).click();
  await expect(page.getByRole('button', { name: '核对过了，绑定' })).toBeVisible();
  const one = page.getByLabel(`业主编号 ${home.owner.slice(2, 10)}`);
  if (await one.count()) await one.check();
  await clean(page, 'bind', info.project.name);
  await page.getByRole('button', { name: '核对过了，绑定' }).click();
  await expect(page.getByRole('button', { name: '解除绑定' })).toBeVisible();
  const again = await view<string | { owner: string }>(`registry/owner_of?account=${address}`);
  expect(JSON.stringify(again).toLowerCase()).toContain(home.owner.toLowerCase());
});
