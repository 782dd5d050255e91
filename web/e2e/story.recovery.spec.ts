import { expect, test, type Page } from '@playwright/test';
import { demoAddress } from '../src/lib/demo';
import { Authenticator, joined } from './authenticator';
import { clean } from './clean';
import { base, become, becomeName, open } from './people';
import { until, view, wait } from './wire';

const DAY = 86_400;

/** A phone of somebody else. */
async function other(page: Page): Promise<Page> {
  return (
    await page
      .context()
      .browser()!
      .newContext({ locale: 'zh-CN', viewport: { width: 390, height: 844 } })
  ).newPage();
}
async function confirm(page: Page, link: string, home: string, code: string): Promise<void> {
  await page.goto('about:blank');
  await page.goto(link);
  await expect(page.locator('.code').first()).toHaveAttribute('aria-label', code);
  await page.getByLabel('他家的房号').fill(home);
  await page.getByRole('button', { name: '找他的账户' }).click();
  await page.getByRole('button', { name: '是本人，我确认' }).click();
  await expect(page.getByRole('img', { name: '发还给他的码' })).toBeVisible();
}

test('who lost the phone gets a new key by two guardians after a week, unless a living device objects', async ({ page }, info) => {
  test.setTimeout(300_000);
  await page.setViewportSize({ width: 390, height: 844 });
  const project = info.project.name;
  const { address, home } = await joined(page);

  // Guardians: a neighbour by their home, and the committee's chair.
  const neighbour = 'O0103';
  const [theirs] = await view<{ entry: { code: string } }[]>(`registry/mine?account=${demoAddress(neighbour)}`);
  await open(page, '/devices/guardians');
  await page.getByLabel('业委会主任').check();
  await page.getByLabel('房号或账户码').fill(theirs?.entry.code ?? '');
  await page.getByRole('button', { name: '加上' }).click();
  await expect(page.getByText('去掉')).toHaveCount(2);
  await clean(page, 'guardians', project);
  await page.getByRole('button', { name: '用指纹保存' }).click();
  await page.waitForURL((url) => url.pathname === '/devices');
  const { guardians } = await view<{ guardians: { account: string; office: number }[] }>(`accounts/account?of_account=${address}`);
  expect(guardians.map((g) => [g.account.toLowerCase(), g.office])).toEqual([
    [`0x${'00'.repeat(20)}`, 1],
    [demoAddress(neighbour), 0],
  ]);

  // A new phone.
  const phone = await other(page);
  await Authenticator.of(phone);
  await phone.goto(`${base()}/recover`);
  await expect(phone.getByRole('button', { name: '用指纹做新钥匙' })).toBeVisible();
  await clean(phone, 'recover-start', project);
  await phone.getByRole('button', { name: '用指纹做新钥匙' }).click();
  await expect(phone.getByRole('img', { name: '给联系人扫的码' })).toBeVisible();
  await clean(phone, 'recover-ask', project);
  const key = await phone.evaluate(() => (JSON.parse(localStorage.getItem('tulou.passkey') ?? '{}') as { address: string }).address);
  const link = `${base()}/vouch#1.${key}.3`;
  const code = (await phone.locator('.code').first().getAttribute('aria-label')) ?? '';

  // Each guardian on a phone of their own; a stranger finds nothing to confirm.
  const guardian = await other(page);
  await becomeName(guardian, 'O0104');
  await guardian.goto('about:blank');
  await guardian.goto(link);
  await guardian.getByLabel('他家的房号').fill(home.unit.entry.code);
  await guardian.getByRole('button', { name: '找他的账户' }).click();
  await expect(guardian.getByText('这一户没有请您当联系人的账户')).toBeVisible();
  await becomeName(guardian, neighbour);
  await confirm(guardian, link, home.unit.entry.code, code);
  await expect(guardian.getByText('您确认过了')).toBeVisible();
  await clean(guardian, 'vouched-one', project);
  await become(guardian, '业委会主任');
  await guardian.goto('about:blank');
  await guardian.goto(link);
  await clean(guardian, 'vouch', project);
  await confirm(guardian, link, home.unit.entry.code, code);
  await expect(guardian.getByText('两位都确认了')).toBeVisible();
  await clean(guardian, 'vouched-two', project);

  // The person hears of it on the first page, and objects from the old phone: over.
  await open(page, '/');
  await expect(page.getByText('有人要给您的账户换钥匙')).toBeVisible();
  await clean(page, 'notice', project);
  await page.getByText('有人要给您的账户换钥匙').click();
  await page.getByRole('button', { name: '反对换钥匙' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '反对换钥匙' }).click();
  await expect(page.getByText('有人要给您的账户换钥匙')).toHaveCount(0);
  const { items } = await view<{ items: { id: string }[] }>('accounts/recoveries?cursor=0&limit=100');
  const vetoed = items.at(-1)?.id ?? '0';
  await phone.getByLabel('贴上联系人给的网址').fill(`${base()}/recover#1.${address}.${vetoed}.0`);
  await phone.getByRole('button', { name: '下一步' }).click();
  await expect(phone.getByText('有人反对，这次作废了')).toBeVisible();
  await clean(phone, 'recover-vetoed', project);

  // Once more, with the old phone gone for good.
  await phone.getByRole('button', { name: '重新来一次' }).click();
  await phone.getByRole('button', { name: '用指纹做新钥匙' }).click();
  await expect(phone.getByRole('img', { name: '给联系人扫的码' })).toBeVisible();
  const next = await phone.evaluate(() => (JSON.parse(localStorage.getItem('tulou.passkey') ?? '{}') as { address: string }).address);
  const again = (await phone.locator('.code').first().getAttribute('aria-label')) ?? '';
  await confirm(guardian, `${base()}/vouch#1.${next}.3`, home.unit.entry.code, again);
  await becomeName(guardian, neighbour);
  await confirm(guardian, `${base()}/vouch#1.${next}.3`, home.unit.entry.code, again);
  const open2 = await view<{ id: string; ready_at: string }>(`accounts/open_recovery_of?of_account=${address}`);
  await phone.goto(`${base()}/recover#1.${address}.${open2.id}.${open2.ready_at}`);
  await expect(phone.getByText(/^最早 .* 可以换$/)).toBeVisible();
  await clean(phone, 'recover-waiting', project);
  await expect(phone.getByRole('button', { name: '换上新钥匙' })).toHaveCount(0);

  // The screen counts by the phone's clock, the ledger by its own: both move.
  await wait(7 * DAY + 60);
  await phone.clock.setFixedTime(new Date(Date.now() + (7 * DAY + 120) * 1_000));
  await phone.goto(`${base()}/recover`);
  await clean(phone, 'recover-ready', project);
  await phone.getByRole('button', { name: '换上新钥匙' }).click();
  await expect(phone.getByRole('heading', { name: '换好了' })).toBeVisible();
  await clean(phone, 'recovered', project);
  const now = await until<{ root: string }>(`accounts/account?of_account=${address}`, (a) => a.root.toLowerCase() === next);
  expect(now.root.toLowerCase()).toBe(next);

  // The same account, signed by the new phone; the old one signs nothing any more.
  await phone.goto(`${base()}/devices`);
  await expect(phone.getByText('在这部手机上')).toBeVisible();
  await phone.getByRole('button', { name: '冻结账户' }).click();
  await phone.getByRole('button', { name: '冻结 7 天' }).click();
  await expect(phone.getByRole('heading', { name: '这个账户冻结着' })).toBeVisible();
  await phone.getByRole('button', { name: '用指纹解冻' }).click();
  await expect(phone.getByRole('button', { name: '冻结账户' })).toBeVisible();
  await open(page, '/devices');
  await page.getByRole('button', { name: '用指纹登录' }).click();
  await expect(page.getByRole('alert')).toContainText('没能登录');
});
