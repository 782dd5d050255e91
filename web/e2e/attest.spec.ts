import { expect, test, type Page } from '@playwright/test';
import { keccakHex } from '../src/lib/sha';
import { anyHome, Authenticator, type Waiting } from './authenticator';
import { clean, cleanEverywhere } from './clean';
import { becomeName, open } from './people';
import { station, type Station } from './station';
import { act, view } from './wire';

// The body's page is HTTPS with a certificate that only this test made.
test.use({ ignoreHTTPSErrors: true });

interface Listed {
  id: string;
  bindings: string;
  works: boolean;
  listing: { name: string; method: number; key: string };
}
const listed = async (name: string): Promise<Listed | undefined> =>
  (await view<{ items: Listed[] }>('accounts/attestors?cursor=0&limit=200')).items.findLast((one) => one.listing.name === name);

/** A home whose owner nobody stands for. */
async function freeHome(): Promise<Waiting> {
  const home = await anyHome();
  await act('registrar', 'registry', 'unbind', [home.account, keccakHex('moved out')]);
  return home;
}
async function list(body: Station, name: string, method: number): Promise<void> {
  const untilAt = BigInt(Math.floor(Date.now() / 1000) + 30 * 86_400);
  await act('street-office', 'accounts', 'listAttestor', [
    { key: body.key, method, name, page: body.page, untilAt, basis: keccakHex('contract') },
  ]);
}
/** From the page of the ways to the body's own page. */
async function goTo(page: Page, button: string, home: Waiting, name: string): Promise<void> {
  await page.goto('about:blank');
  await open(page, '/join');
  const card = page.locator('section.card').filter({ hasText: name });
  await card.getByRole('button', { name: button }).click();
  await card.getByLabel('您家的房号').fill(home.unit.entry.code);
  const agree = card.getByRole('checkbox');
  if (await agree.count()) {
    await expect(card.getByRole('button', { name: '打开核验页面' })).toBeDisabled();
    await agree.check();
  }
  await card.getByRole('button', { name: '打开核验页面' }).click();
  await expect(page.getByRole('heading', { name: '核验您的身份' })).toBeVisible();
  await expect(page.getByText(home.unit.entry.code)).toBeVisible();
}

test('a face check is one way beside the others, and a person who wants it joins by it', async ({ page, browser }, info) => {
  test.setTimeout(180_000);
  const project = info.project.name;
  const [cards, faces] = [await station(), await station()];
  const [cardName, faceName] = ['便民服务站', '核身公司'].map((name) => name + cards.page.replace(/\D/g, '')) as [string, string];
  // The street office lists the reader of cards in the app, with the contract that it rests on.
  const desk = await (await browser.newContext({ locale: 'zh-CN', viewport: { width: 1280, height: 800 } })).newPage();
  await becomeName(desk, 'street-office');
  await open(desk, '/console/accounts');
  await desk.getByRole('button', { name: '添加核验机构' }).click();
  await desk.getByLabel('机构名称').fill(cardName);
  await desk.getByLabel('它的核验网址').fill(cards.page.replace('https', 'http'));
  await desk.getByLabel('它的签名账户').fill(cards.key);
  await desk.getByLabel(/^依据的合同或决定/).setInputFiles({ name: 'contract.txt', mimeType: 'text/plain', buffer: Buffer.from('合同') });
  await desk.getByRole('button', { name: '添加', exact: true }).click();
  await expect(desk.getByRole('alert')).toContainText('网址要以 https:// 开头');
  await desk.getByLabel('它的核验网址').fill(cards.page);
  await desk.getByRole('button', { name: '添加', exact: true }).click();
  await expect(desk.getByText(cardName, { exact: true })).toBeVisible();
  await clean(desk, 'attestors', project);
  await list(faces, faceName, 2);

  const home = await freeHome();
  const finger = await Authenticator.of(page);
  await cleanEverywhere(page, '/join', 'ways', project);
  const heads = page.getByRole('heading', { level: 2 });
  await expect(heads.filter({ hasText: faceName })).toHaveText(`刷脸：${faceName}`);
  const all = await heads.allTextContents();
  expect(all.slice(0, 2)).toEqual(['扫邀请信', '当面办']);
  expect(all).toContain(`刷身份证：${cardName}`);
  // A face is below every other way.
  expect(all.findIndex((head) => head.startsWith('刷脸'))).toBe(all.length - all.filter((head) => head.startsWith('刷脸')).length);
  const faceCard = page.locator('section.card').filter({ hasText: faceName });
  await expect(faceCard.getByText('刷脸全凭自愿，不刷也不影响您加入：邀请信和当面办一直都有。')).toBeVisible();

  await goTo(page, '自愿刷脸', home, faceName);
  await page.getByRole('link', { name: '核对上了' }).click();
  await expect(page.getByRole('heading', { name: /的业主$/ })).toBeVisible();
  await clean(page, 'attested', project);
  await page.getByRole('button', { name: '用指纹签收' }).click();
  await expect(page.getByRole('heading', { name: /^您是.*的业主$/ })).toBeVisible();
  await expect(page.getByText('这部手机已核实')).toBeVisible();
  expect(page.url()).not.toContain('#');
  expect(await finger.keys()).toBe(1);
  await clean(page, 'attested-done', project);

  const { address } = JSON.parse((await page.evaluate(() => localStorage.getItem('tulou.passkey'))) ?? '{}') as { address: string };
  const face = await listed(faceName);
  expect(await view(`registry/binding_of?account=${address}`)).toMatchObject({ way: 4, source: face?.id });
  expect(await listed(faceName)).toMatchObject({ bindings: '1', works: true });
  expect(await view(`registry/owner_of?account=${address}`)).toMatchObject({ owner: home.owner });

  await page.goto('about:blank');
  await open(page, '/join');
  // Where only members read, whoever is signed out is asked to sign in.
  await expect(page.getByText(/^这部手机已经(加入|有钥匙)了/)).toBeVisible();
  // The registrar ends it, with a reason for everybody to read.
  await becomeName(desk, 'registrar');
  await open(desk, '/console/accounts');
  await desk.getByRole('button', { name: `停用 ${faceName}` }).click();
  await desk.getByLabel('停用的理由（会公开）').fill('合同到期');
  await clean(desk, 'attestor-end', project);
  await desk.getByRole('dialog').getByRole('button', { name: '停用', exact: true }).click();
  await expect(desk.getByText('停用了')).toBeVisible();
  expect(await listed(faceName)).toMatchObject({ works: false });
  await desk.context().close();
  await act('registrar', 'accounts', 'endAttestor', [BigInt((await listed(cardName))?.id ?? 0), '演练']);
  await Promise.all([cards.stop(), faces.stop()]);
});

test('an answer that is late, foreign, of another account or another phone says so', async ({ page, browser }, info) => {
  test.setTimeout(180_000);
  const body = await station();
  const name = `核验站${body.page.replace(/\D/g, '')}`;
  await list(body, name, 1);
  const home = await freeHome();
  await Authenticator.of(page);
  const says = async (link: string, title: string): Promise<void> => {
    await goTo(page, '去刷身份证', home, name);
    await page.getByRole('link', { name: link }).click();
    await expect(page.getByRole('heading', { name: title })).toBeVisible();
    await expect(page.getByRole('button', { name: '用指纹签收' })).toHaveCount(0);
  };
  await says('不做核验', '您没有做核验');
  await says('没认出来', '没有核对上');
  await says('给过期的', '核验结果过期了');
  await clean(page, 'attest-late', info.project.name);
  await says('别人的账户', '核验的是另一个账户');
  await page.getByRole('link', { name: '看看别的办法' }).click();
  await expect(page.getByRole('heading', { name: '扫邀请信' })).toBeVisible();

  // Another key's signature looks like an answer; the book says no.
  await goTo(page, '去刷身份证', home, name);
  await page.getByRole('link', { name: '别家的签名' }).click();
  await page.getByRole('button', { name: '用指纹签收' }).click();
  await expect(page.getByRole('alert')).toContainText('核验结果的签名对不上');

  // A good answer, opened on a phone that did not ask.
  await goTo(page, '去刷身份证', home, name);
  await page.getByRole('link', { name: '核对上了' }).click();
  await expect(page.getByRole('heading', { name: /的业主$/ })).toBeVisible();
  const good = page.url();
  const other = await (await browser.newContext({ locale: 'zh-CN', ignoreHTTPSErrors: true })).newPage();
  await other.goto(good);
  await expect(other.getByRole('heading', { name: '这次核验不是这部手机要的' })).toBeVisible();
  await other.goto('about:blank');
  await other.goto(good.slice(0, -9));
  await expect(other.getByRole('heading', { name: '核验结果读不全' })).toBeVisible();
  await other.context().close();

  // The body is ended while the person is on the way back.
  const found = await listed(name);
  await act('registrar', 'accounts', 'endAttestor', [BigInt(found?.id ?? 0), '演练']);
  await expect(page.getByRole('heading', { name: '这家机构现在不能核验' })).toBeVisible();
  expect(await listed(name)).toMatchObject({ bindings: '0', works: false });
  // The other ways are still there: a code for the counter, and a letter that is scanned on this very page.
  await page.getByRole('link', { name: '看看别的办法' }).click();
  await page.getByRole('button', { name: '做钥匙，出示账户码' }).click();
  await expect(page.getByRole('img', { name: '您的账户码' })).toBeVisible();
  await clean(page, 'ways-code', info.project.name);
  await page.evaluate(() => {
    location.hash = '1.2';
  });
  await expect(page.getByRole('heading', { name: '这封信读不全' })).toBeVisible();
  await body.stop();
});
