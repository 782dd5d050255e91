import { expect, test } from '@playwright/test';
import { demoAddress } from '../src/lib/demo';
import { Authenticator, letterTo, waitingHome } from './authenticator';
import { clean, cleanEverywhere } from './clean';
import { base, becomeName, open } from './people';
import { act, addresses, view } from './wire';

test('a new resident scans the letter, signs with a finger, votes, and sees their devices', async ({ page }, info) => {
  test.setTimeout(180_000);
  const project = info.project.name;
  const home = await waitingHome();
  const { path, id } = await letterTo(home);
  const finger = await Authenticator.of(page);
  await cleanEverywhere(page, path, 'join', project);

  // What a person does, counted and timed; the letter was scanned.
  let steps = 0;
  const tap = async (name: string | RegExp, role: 'link' | 'button' = 'button') => {
    steps += 1;
    await page.getByRole(role, { name }).first().click();
  };
  await page.goto('about:blank');
  const start = Date.now();
  await open(page, path);
  await tap('用指纹签收');
  await expect(page.getByRole('heading', { name: /^您是.*的业主$/ })).toBeVisible();
  const joined = Date.now();
  await expect(page.getByText('这部手机已核实')).toBeVisible();
  expect(page.url()).not.toContain('#');
  await expect(page.locator('.lines li')).toHaveCount(12);
  expect(await finger.keys()).toBe(1);
  await clean(page, 'joined', project);
  await tap('去投票', 'link');
  steps += 1;
  await page.getByText('同意照这个议题去做').click();
  await tap('看一遍再投');
  await expect(page.getByRole('dialog')).toContainText('我代表');
  await tap('投出赞成票');
  await expect(page.getByText('已核实')).toBeVisible();
  await expect(page.getByText(/一模一样/)).toBeVisible();
  const seconds = (from: number): string => ((Date.now() - from) / 1000).toFixed(1);
  console.log(
    `new resident votes (${project}): ${steps} taps, ${seconds(start)} s in all, joined after ${((joined - start) / 1000).toFixed(1)} s`,
  );

  const key = (await page.evaluate(() => localStorage.getItem('tulou.passkey'))) ?? '';
  const { address } = JSON.parse(key) as { address: string };
  const used = await view<{ items: { id: string; stage: number; account: string }[] }>('accounts/invitations?cursor=0&limit=100');
  expect(used.items.find((l) => BigInt(l.id) === id)).toMatchObject({ stage: 2 });
  const [vote] = await view<{ choice: number }[]>(`decisions/votes_of?id=${home.motion}&account=${address}`);
  expect(vote?.choice).toBe(1);
  const hash = page.url().split('/r/')[1];
  const answer = await fetch(base(), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getTransactionByHash', params: [hash] }),
  });
  expect(await answer.json()).toMatchObject({ result: { type: '0x76', from: expect.stringMatching(new RegExp(address, 'i')) } });

  await cleanEverywhere(page, '/devices', 'devices', project);
  await expect(page.getByText('在这部手机上')).toBeVisible();

  // The finger is not known: nothing happens, and it is said quietly. Then it is.
  await page.getByRole('button', { name: '冻结账户' }).click();
  await finger.refuse(true);
  await page.getByRole('button', { name: '冻结 7 天' }).click();
  await expect(page.getByText('没有签')).toBeVisible();
  await clean(page, 'cancelled', project);
  await finger.refuse(false);
  await page.getByRole('button', { name: '冻结 7 天' }).click();
  // Its sessions end with the freeze, and it signs in nowhere.
  await expect(page.getByRole('heading', { name: '这个账户冻结着' })).toBeVisible();
  await clean(page, 'frozen', project);

  // A frozen account casts no ballot, until its person lifts the freeze, which needs no session.
  await open(page, `/votes/${home.motion}/ballot`);
  await expect(page.getByRole('heading', { name: '这个账户冻结着' })).toBeVisible();
  await expect(page.getByRole('radio')).toHaveCount(0);
  await page.getByRole('button', { name: '用指纹解冻' }).click();
  await expect(page.getByRole('radio').first()).toBeAttached();
  await open(page, '/devices');
  await expect(page.getByRole('button', { name: '冻结账户' })).toBeVisible();

  // Another letter on the same phone.
  const second = await letterTo(await waitingHome());
  await open(page, second.path);
  await expect(page.getByRole('heading', { name: '这部手机已经加入了' })).toBeVisible();
  await clean(page, 'bound', project);

  // The key is gone from the phone.
  await finger.clear();
  await open(page, '/devices');
  await page.getByRole('button', { name: '冻结账户' }).click();
  await page.getByRole('button', { name: '冻结 7 天' }).click();
  await expect(page.getByText('没有签')).toBeVisible();
});

test('a letter that is cut, unknown, used or taken back says so', async ({ page }, info) => {
  const home = await waitingHome();
  const { path, id } = await letterTo(home);
  const says = async (at: string, title: string) => {
    await page.goto('about:blank');
    await open(page, at);
    await expect(page.getByRole('heading', { name: title })).toBeVisible();
    await expect(page.getByRole('button', { name: '用指纹签收' })).toHaveCount(0);
  };
  await says('/join#1.2', '这封信读不全');
  await says(path.slice(0, -3), '这封信读不全');
  await says(path.replace(/\.\d+\./, '.99999.'), '账本里没有这封信');
  await act('registrar', 'accounts', 'revokeInvitation', [id]);
  await says(path, '这封信作废了');
  await clean(page, 'over', info.project.name);

  const other = await letterTo(home);
  await Authenticator.of(page);
  await open(page, other.path);
  await page.getByRole('button', { name: '用指纹签收' }).click();
  await expect(page.getByRole('heading', { name: /^您是.*的业主$/ })).toBeVisible();
  const stranger = await (await page.context().browser()!.newContext({ locale: 'zh-CN' })).newPage();
  await stranger.goto(base() + other.path);
  await expect(stranger.getByRole('heading', { name: '这封信用过了' })).toBeVisible();
  await stranger.context().close();
});

test('whoever says no at first signs later with the same key, and an address without a name explains itself', async ({ page }) => {
  const { path } = await letterTo(await waitingHome());
  await page.goto(base().replace('localhost', '127.0.0.1') + path);
  await expect(page.getByText('网址是一串数字')).toBeVisible();
  await expect(page.getByRole('button', { name: '用指纹签收' })).toHaveCount(0);

  const finger = await Authenticator.of(page);
  await finger.refuse(true);
  await page.goto('about:blank');
  await open(page, path);
  await page.getByRole('button', { name: '用指纹签收' }).click();
  await expect(page.getByText('没有签')).toBeVisible();
  await finger.refuse(false);
  await page.getByRole('button', { name: '再签一次' }).click();
  await expect(page.getByRole('heading', { name: /^您是.*的业主$/ })).toBeVisible();
  expect(await finger.keys()).toBe(1);
});

test('everyday keys are shown with their limits and end with a tap; a change of key is vetoed', async ({ page }, info) => {
  const who = info.project.name === 'console' ? 'O0101' : 'O0102';
  const [me, key, next] = [demoAddress(who), demoAddress(`${who}-key`), demoAddress(`${who}-next-${Date.now()}`)];
  const now = Math.floor(Date.now() / 1000);
  const all = '0x00000000';
  const grant = {
    key,
    suite: 2,
    label: `0x${'00'.repeat(32)}`,
    expiresAt: BigInt(now + 90 * 86_400),
    limitFen: 20_000n,
    periodSeconds: 30n * 86_400n,
    scope: [
      { target: addresses.money, selector: all },
      { target: addresses.documents, selector: all },
    ],
  };
  await act(who, 'accounts', 'authoriseKey', [grant]);
  const guardians = ['O0103', 'O0104'];
  await act(who, 'accounts', 'setGuardians', [guardians.map((g) => ({ account: demoAddress(g), office: 0 }))]);
  for (const g of guardians) await act(g, 'accounts', 'askRecovery', [me, next, 1]);

  await becomeName(page, who);
  await cleanEverywhere(page, '/devices', 'devices-full', info.project.name);
  await expect(page.getByText('转账：全部')).toBeVisible();
  await expect(page.getByText(/每 30 天最多/)).toContainText('200.00');
  await page.getByRole('button', { name: '停用', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: '停用', exact: true }).click();
  await expect(page.getByText('还没有日常钥匙')).toBeVisible();
  await page.getByRole('button', { name: '反对换钥匙' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '反对换钥匙' }).click();
  await expect(page.getByText('有人要给您的账户换钥匙')).toHaveCount(0);
  expect(await view(`accounts/open_recovery_of?of_account=${me}`)).toMatchObject({ id: '0' });
});

test('the registrar prints a letter that the phone of its owner signs for', async ({ page }, info) => {
  const { unit } = await waitingHome();
  await becomeName(page, 'registrar');
  await open(page, '/letter');
  await clean(page, 'letter-form', info.project.name);
  await page.getByLabel('给哪一户').fill(unit.entry.code);
  await page.getByRole('button', { name: '发一封信' }).click();
  await expect(page.getByRole('heading', { name: /^请.*的业主签收$/ })).toBeVisible();
  await clean(page, 'letter', info.project.name);
  const code = await page.getByRole('img', { name: '签收用的方码' }).screenshot();
  expect(code.length).toBeGreaterThan(1000);
});
