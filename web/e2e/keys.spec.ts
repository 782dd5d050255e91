import { expect, test, type Page } from '@playwright/test';
import { keccak256, toHex } from 'viem';
import { demoAddress } from '../src/lib/demo';
import { joined } from './authenticator';
import { clean, cleanEverywhere } from './clean';
import { base, open } from './people';
import { act, view } from './wire';

/** The app on this device makes its everyday key, with a limit in yuan. */
async function openEveryday(page: Page, limit: string): Promise<void> {
  await open(page, '/devices');
  await page.getByRole('button', { name: '在这台设备上开日常钥匙' }).click();
  await page.getByRole('dialog').getByRole('button', { name: limit, exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: '用指纹开通' }).click();
  await expect(page.getByText('这台设备的日常钥匙')).toBeVisible();
}
/** A small act: an objection to the posted roll. */
async function object(page: Page, words: string): Promise<void> {
  await open(page, '/roll');
  await page.getByLabel('哪里不对').fill(words);
  await page.getByRole('button', { name: '提异议', exact: true }).click();
}
async function pay(page: Page, to: string, amount: string): Promise<void> {
  await open(page, '/pay');
  await page.getByLabel(/转给/).fill(to);
  await page.getByRole('button', { name: '加上' }).click();
  await page.getByLabel('金额（元）').fill(amount);
  await page.getByRole('button', { name: '看一遍再转' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '转出' }).click();
}
const checked = (page: Page) => expect(page.getByText('已核实')).toBeVisible();
const balance = (account: string) => view<{ balance_fen: string }>(`money/balance?of_asset=1&account=${account}`);

test.beforeAll(() => act('registrar', 'registry', 'postRoll', []));

test('an everyday key does small things without a finger, within its limit, until it is ended', async ({ page }, info) => {
  test.setTimeout(240_000);
  const { finger, address, home } = await joined(page);
  await act('bank', 'money', 'issue', [1, address, 100_000n, keccak256(toHex('e2e'))]);
  await page.goto('about:blank');
  await open(page, '/devices');
  await page.getByRole('button', { name: '在这台设备上开日常钥匙' }).click();
  await clean(page, 'everyday-form', info.project.name);
  await openEveryday(page, '200 元');
  await cleanEverywhere(page, '/devices', 'devices-everyday', info.project.name);
  const keys = await view<{ items: { grant: { limit_fen: string; suite: number } }[] }>(`accounts/keys?of_account=${address}`);
  expect(keys.items).toMatchObject([{ grant: { limit_fen: '20000', suite: 2 } }]);
  // What the browser keeps cannot be taken out of it.
  const taken = await page.evaluate(async (account) => {
    const db = await new Promise<IDBDatabase>((done) => {
      const opening = indexedDB.open('tulou', 1);
      opening.onsuccess = () => done(opening.result);
    });
    const kept = await new Promise<{ key: CryptoKey }>((done) => {
      const asked = db.transaction('keys').objectStore('keys').get(account);
      asked.onsuccess = () => done(asked.result as { key: CryptoKey });
    });
    return crypto.subtle.exportKey('pkcs8', kept.key).then(
      () => 'taken',
      () => `not extractable: ${!kept.key.extractable}`,
    );
  }, address);
  expect(taken).toBe('not extractable: true');

  // From here on no finger is known: whatever works needs none.
  await finger.refuse(true);
  await object(page, '楼道照片');
  await checked(page);
  const to = demoAddress('O0103');
  await pay(page, to, '50.00');
  await checked(page);
  await open(page, '/pay');
  await cleanEverywhere(page, '/pay', 'pay', info.project.name);
  await pay(page, to, '160.00');
  await expect(page.getByText('没有签')).toBeVisible();
  expect((await balance(address)).balance_fen).toBe('95000');
  await open(page, `/votes/${home.motion}/ballot`);
  await page.getByText('不做，保持现状').click();
  await page.getByRole('button', { name: '看一遍再投' }).click();
  await page.getByRole('button', { name: '投出反对票' }).click();
  await expect(page.getByText('没有签')).toBeVisible();

  // With the finger, more than the limit goes, and the vote too.
  await finger.refuse(false);
  await pay(page, to, '160.00');
  await checked(page);
  expect((await balance(address)).balance_fen).toBe('79000');

  // Ended: from the next act on the finger is asked.
  await open(page, '/devices');
  await page.getByRole('button', { name: '停用', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: '停用', exact: true }).click();
  await expect(page.getByText('还没有日常钥匙')).toBeVisible();
  await finger.refuse(true);
  await object(page, '另一张照片');
  await expect(page.getByText('没有签')).toBeVisible();
});

test('a further device gets a key of its own, does small things and no votes', async ({ page, browser }, info) => {
  test.setTimeout(180_000);
  const { address, home } = await joined(page);
  await open(page, '/devices');
  await page.getByRole('link', { name: '加一台设备' }).click();
  await expect(page.getByRole('img', { name: '给新设备扫的码' })).toBeVisible();
  await clean(page, 'add-device', info.project.name);

  const tablet = await (await browser.newContext({ locale: 'zh-CN', viewport: page.viewportSize() })).newPage();
  await tablet.goto(`${base()}/devices/new#1.${address}`);
  await tablet.getByRole('button', { name: '做一把钥匙' }).click();
  await expect(tablet.getByRole('img', { name: '给主钥匙手机扫的码' })).toBeVisible();
  await clean(tablet, 'new-device', info.project.name);
  const link = await tablet.evaluate(
    (account) =>
      new Promise<string>((done) => {
        const opening = indexedDB.open('tulou', 1);
        opening.onsuccess = () => {
          const asked = opening.result.transaction('keys').objectStore('keys').get(account);
          asked.onsuccess = () => done(`${location.origin}/devices/add#1.${account}.${(asked.result as { address: string }).address}`);
        };
      }),
    address,
  );
  const code = await tablet.locator('.code').first().getAttribute('aria-label');

  await page.getByLabel('或者贴上新设备给的网址').fill(link);
  await page.getByRole('button', { name: '下一步' }).click();
  await expect(page.getByRole('heading', { name: '让这台新设备进来？' })).toBeVisible();
  // Both screens show the same words to compare.
  expect(await page.locator('.code').first().getAttribute('aria-label')).toBe(code);
  await clean(page, 'allow-device', info.project.name);
  await page.getByLabel('给这台设备起个名字').fill('客厅的平板');
  await page.getByRole('button', { name: '用指纹开通' }).click();
  await expect(page.getByRole('button', { name: '停用', exact: true })).toHaveCount(1);
  await expect(page.getByText('客厅的平板')).toBeVisible();
  // The ledger has a mark of the name, and another name leaves it alone.
  const label = async () => {
    const { items } = await view<{ items: { grant: { label: string } }[] }>(`accounts/keys?of_account=${address}`);
    return items[0]?.grant.label;
  };
  const mark = await label();
  expect(mark).toMatch(/^0x(?!0{64})[0-9a-f]{64}$/);
  expect(mark).not.toBe(keccak256(toHex('客厅的平板')));
  await page.getByRole('button', { name: '改名' }).click();
  await page.getByLabel('给这台设备起个名字').fill('书房的平板');
  await clean(page, 'device-rename', info.project.name);
  await page.getByRole('button', { name: '保存', exact: true }).click();
  await expect(page.getByText('书房的平板')).toBeVisible();
  await page.reload();
  await expect(page.getByText('书房的平板')).toBeVisible();
  expect(await label()).toBe(mark);

  await expect(tablet.getByText('这台设备可以用了')).toBeVisible();
  await object(tablet, '平板上的照片');
  await checked(tablet);
  await open(tablet, `/votes/${home.motion}/ballot`);
  await tablet.getByText('不做，保持现状').click();
  await tablet.getByRole('button', { name: '看一遍再投' }).click();
  await tablet.getByRole('button', { name: '投出反对票' }).click();
  await expect(tablet.getByText('这件事要主钥匙')).toBeVisible();

  // The phone takes the tablet's key back.
  await open(page, '/devices');
  await page.getByRole('button', { name: '停用', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: '停用', exact: true }).click();
  await expect(page.getByText('还没有日常钥匙')).toBeVisible();
  // With the key its session ended, so that the tablet reads nothing of members any more.
  await open(tablet, '/roll');
  await expect(tablet.getByRole('heading', { name: '这一页要先登录' })).toBeVisible();
  await expect(tablet.getByLabel('哪里不对')).toHaveCount(0);
  await tablet.context().close();
});

test('without a network a small act waits, is sent later, and one that came too late is said', async ({ page, context }, info) => {
  test.setTimeout(180_000);
  await joined(page);
  await openEveryday(page, '不转钱');
  // Everything for signing has been loaded; then the network goes.
  await object(page, '有网时提的');
  await checked(page);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));

  const objections = async () => (await view<{ items: unknown[] }>('registry/objections?of_roll=0&limit=200')).items.length;
  const before = await objections();
  await context.setOffline(true);
  await object(page, '没网时提的');
  await expect(page.locator('[data-state=open]')).toContainText('对名册提异议');
  await clean(page, 'waiting', info.project.name);
  await context.setOffline(false);
  await expect(page.locator('[data-state]')).toHaveCount(0);
  expect(await objections()).toBe(before + 1);
  await page
    .getByRole('link', { name: /对名册提异议/ })
    .first()
    .click();
  await checked(page);

  // Two more, of which the second comes too late.
  await context.setOffline(true);
  await object(page, '第一条');
  await expect(page.locator('[data-state=open]')).toHaveCount(1);
  await object(page, '第二条');
  await expect(page.locator('[data-state=open]')).toHaveCount(2);
  await page.evaluate(() => {
    const all = JSON.parse(localStorage.getItem('tulou.waiting') ?? '[]') as { before: number }[];
    const last = all.at(-1);
    if (last) last.before = Math.floor(Date.now() / 1000) - 1;
    localStorage.setItem('tulou.waiting', JSON.stringify(all));
  });
  await page.reload();
  await context.setOffline(false);
  await expect(page.locator('[data-state=expired]')).toHaveCount(1);
  await expect(page.locator('[data-state]')).toHaveCount(1);
  expect(await objections()).toBe(before + 2);
  await page.getByRole('button', { name: '收起' }).click();
  await expect(page.locator('[data-state]')).toHaveCount(0);
});

test('a person sees what is kept about them, takes it along, and erases this device', async ({ page }, info) => {
  test.setTimeout(180_000);
  const { address } = await joined(page);
  await cleanEverywhere(page, '/my-data', 'my-data', info.project.name);
  await expect(page.getByText(address)).toBeVisible();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: '把这些存成文件' }).click()]);
  const text = await (await file.createReadStream()).toArray();
  expect(JSON.parse(Buffer.concat(text as Buffer[]).toString())).toMatchObject({
    ledger: { account: address },
    device: { passkey: { address } },
  });
  const [asked] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: '生成申请' }).click()]);
  const request = Buffer.concat((await (await asked.createReadStream()).toArray()) as Buffer[]);
  expect(request.toString()).toContain(address);

  await page.getByRole('button', { name: '清除这台设备上的' }).click();
  await clean(page, 'erase', info.project.name);
  await page.getByRole('button', { name: '全部清除' }).click();
  await expect(page.getByText('已清除')).toBeVisible();
  expect(await page.evaluate(() => [localStorage.getItem('tulou.passkey'), localStorage.getItem('tulou.slips')])).toEqual(['', '[]']);

  // The key is still in the phone: a finger finds it, and the account with it.
  await cleanEverywhere(page, '/lost', 'lost', info.project.name);
  await page.getByText('换了新手机').click();
  await page.getByRole('button', { name: '用指纹找回' }).click();
  await page.waitForURL((url) => url.pathname === '/');
  const again = await page.evaluate(() => localStorage.getItem('tulou.passkey'));
  expect(JSON.parse(again ?? '{}')).toMatchObject({ address });
});

test('an owner objects to the posted roll, and keeps the words', async ({ page }, info) => {
  await joined(page);
  await openEveryday(page, '不转钱');
  await open(page, '/roll');
  await page.getByLabel('哪里不对').fill('产权证上是 89.50 ㎡');
  await clean(page, 'roll', info.project.name);
  await page.getByRole('button', { name: '提异议', exact: true }).click();
  await checked(page);
  const kept = await page.evaluate(() => (JSON.parse(localStorage.getItem('tulou.drafts') ?? '[]') as { words: string }[])[0]?.words ?? '');
  const { items } = await view<{ items: { reason_hash: string }[] }>('registry/objections?of_roll=0&limit=100');
  expect(items.at(-1)?.reason_hash).toBe(keccak256(toHex(kept)));
});

test('the app can be installed and opens without a network', async ({ page, context }) => {
  await open(page, '/');
  const manifest = await (await fetch(`${base()}/app.webmanifest`)).json();
  expect(manifest).toMatchObject({ display: 'standalone', start_url: '/' });
  for (const { src } of (manifest as { icons: { src: string }[] }).icons) expect((await fetch(base() + src)).ok, src).toBe(true);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  // Nothing but the files of the release is kept: no answer of the server about the book or a person.
  const kept = await page.evaluate(async () => {
    const names = await caches.keys();
    const all = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map((r) => new URL(r.url).pathname)));
    return { names: names.length, paths: all.flat() };
  });
  expect(kept.names).toBe(1);
  expect(kept.paths.filter((path) => !/^\/(assets\/|index\.html|favicon|icon-|apple-touch|app\.webmanifest)/.test(path))).toEqual([]);
  await context.setOffline(true);
  await page.goto(`${base()}/me`);
  await expect(page.getByRole('heading', { name: '我的', exact: true })).toBeVisible();
  await context.setOffline(false);
});
