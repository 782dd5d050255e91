import { expect, test, type Page } from '@playwright/test';
import { demoAddress } from '../src/lib/demo';
import { joined, letterTo, waitingHome, Authenticator } from './authenticator';
import { clean, cleanEverywhere } from './clean';
import { demoNode } from './node';
import { base, become, becomeName, open } from './people';

const who = (page: Page) =>
  page.evaluate(async () => (await (await fetch('/api/v1/session')).json()) as { account?: string; class: string; sessions?: number });

test('whoever has not signed in reads what is public, and is asked kindly for the rest', async ({ page }, info) => {
  await open(page, '/');
  await expect(page.getByText('先登录').first()).toBeVisible();
  await expect(page.getByText('小区的钱')).toBeVisible();
  await open(page, '/money');
  await expect(page.locator('.tx').first()).toBeVisible();
  await cleanEverywhere(page, '/me', 'me-out', info.project.name);
  // Somebody with an account and no session, such as after the server was restarted.
  const { finger, address } = await joined(page);
  await page.context().clearCookies();
  await finger.refuse(true);
  await open(page, '/devices');
  await expect(page.getByRole('heading', { name: '这一页要先登录' })).toBeVisible();
  await cleanEverywhere(page, '/devices', 'sign-in', info.project.name);
  await page.getByRole('button', { name: '用指纹登录' }).click();
  await expect(page.getByText('没有签')).toBeVisible();
  await finger.refuse(false);
  await page.getByRole('button', { name: '用指纹登录' }).click();
  await expect(page.getByRole('heading', { name: '日常钥匙' })).toBeVisible();
  expect(await who(page)).toMatchObject({ account: expect.stringMatching(new RegExp(address, 'i')), class: 'scope' });
  // Ten minutes later the token is over: it is renewed without a finger.
  await page.context().clearCookies({ name: 'tulou_session' });
  await finger.refuse(true);
  await open(page, '/devices');
  await expect(page.getByRole('heading', { name: '日常钥匙' })).toBeVisible();
});

test('a new resident sees their home in the letter, joins, signs in and votes', async ({ page }, info) => {
  test.setTimeout(180_000);
  const home = await waitingHome();
  const { path } = await letterTo(home);
  await Authenticator.of(page);
  const start = Date.now();
  await page.goto(base() + path);
  await expect(page.getByRole('heading', { level: 2 }).first()).toContainText(/[号栋楼]/);
  await clean(page, 'join-members', info.project.name);
  await expect(page.getByText('连着问您三次')).toBeVisible();
  await page.getByRole('button', { name: '用指纹签收' }).click();
  await expect(page.getByRole('heading', { name: /^您是.*的业主$/ })).toBeVisible();
  // Signed in on the way: nothing asks again.
  expect((await who(page)).class).toBe('scope');
  await page.getByRole('link', { name: '去投票' }).click();
  await page.getByText('同意照这个议题去做').click();
  await page.getByRole('button', { name: '看一遍再投' }).click();
  await page.getByRole('button', { name: '投出赞成票' }).click();
  await expect(page.getByText('已核实')).toBeVisible();
  console.log(`new resident votes where only members read: ${((Date.now() - start) / 1000).toFixed(1)} s`);
});

test('the everyday key signs in without a finger; signing out lasts; everywhere means everywhere', async ({ page, browser }) => {
  test.setTimeout(180_000);
  const { finger, address } = await joined(page);
  await open(page, '/devices');
  await page.getByRole('button', { name: '在这台设备上开日常钥匙' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '用指纹开通' }).click();
  await expect(page.getByText('这台设备的日常钥匙')).toBeVisible();
  await page.context().clearCookies();
  await finger.refuse(true);
  await open(page, '/devices');
  await expect(page.getByText('这台设备的日常钥匙')).toBeVisible();
  expect(await who(page)).toMatchObject({ account: expect.stringMatching(new RegExp(address, 'i')), class: 'scope' });
  await page.getByRole('button', { name: '退出这台设备' }).click();
  await page.waitForURL((url) => url.pathname === '/me');
  expect(await who(page)).toEqual({ class: 'public' });
  await open(page, '/');
  expect(await who(page)).toEqual({ class: 'public' });

  const [one, two] = await Promise.all([1, 2].map(async () => (await browser.newContext({ locale: 'zh-CN' })).newPage()));
  for (const other of [one, two]) {
    await becomeName(other as Page, 'O0091');
    await open(other as Page, '/devices');
    await expect((other as Page).getByRole('heading', { name: '日常钥匙' })).toBeVisible();
    expect((await who(other as Page)).class).toBe('scope');
  }
  await one?.getByRole('button', { name: '所有设备都退出' }).click();
  await one?.waitForURL((url) => url.pathname === '/me');
  expect(await who(two as Page)).toEqual({ class: 'public' });
  for (const other of [one, two]) await other?.context().close();
});

test('who is no member is told so, and reads no rows of members', async ({ page }, info) => {
  await becomeName(page, 'O9999');
  await open(page, '/devices');
  await expect(page.getByRole('heading', { name: '这一页只给本小区的人看' })).toBeVisible();
  expect(await who(page)).toMatchObject({ account: expect.stringMatching(new RegExp(demoAddress('O9999'), 'i')), class: 'public' });
  await clean(page, 'stranger', info.project.name);
  const rows = await page.evaluate(async () => {
    const answers = await Promise.all(
      ['registry/units?of_building=0', 'accounts/recoveries', 'registry/objections?of_roll=0'].map((p) => fetch(`/api/v1/${p}`)),
    );
    return answers.map((a) => a.status);
  });
  expect(rows).toEqual([403, 403, 403]);
});

test('what is for members is said in one sentence, with the way in', async ({ page }, info) => {
  await open(page, '/votes');
  await page.getByRole('link', { name: '更换全区供水立管和水泵' }).click();
  await expect(page.getByText('参与')).not.toHaveCount(0);
  await open(page, '/console/votes');
  await page.getByRole('link', { name: '更换全区供水立管和水泵' }).click();
  await expect(page.getByText('本小区的人登录以后才看得到')).toBeVisible();
  await page.getByRole('link', { name: '去登录' }).click();
  await expect(page).toHaveURL(/\/me$/);
  // The people of the demo are offered with their homes; nobody is signed in by that.
  await page.locator('details.demo summary').click();
  await expect(page.getByRole('button', { name: /\d室.*业主/ }).first()).toBeVisible();
  expect(await who(page)).toEqual({ class: 'public' });
  await clean(page, 'me-demo-out', info.project.name);
});

test('another person of the demo reads in their own name at once', async ({ page }) => {
  for (const name of ['业委会主任', '财务委员']) {
    await become(page, name);
    const told = await who(page);
    const key = await page.evaluate(() => localStorage.getItem('tulou.actor')?.split(' ')[1]);
    expect(told).toMatchObject({ account: expect.stringMatching(new RegExp(key ?? 'nobody', 'i')), class: 'scope' });
  }
});

test('a server for anyone asks nobody who they are', async ({ page }) => {
  test.setTimeout(240_000);
  const node = await demoNode('--empty');
  try {
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.method() !== 'GET' && request.url().includes('/session')) asked.push(request.url());
    });
    await page.goto(`${node.url}/me`);
    await page.locator('details.demo summary').click();
    await page.getByRole('button', { name: '业委会主任', exact: true }).click();
    await page.waitForURL(/\/console$/);
    await page.goto(`${node.url}/devices`);
    await expect(page.getByRole('heading', { name: '日常钥匙' })).toBeVisible();
    expect(asked).toEqual([]);
    expect(await page.context().cookies()).toEqual([]);
  } finally {
    await node.stop();
  }
});
