import { expect, test } from '@playwright/test';
import { becomeName, becomeVoter, first, open } from './people';

test('an owner votes in six taps or fewer and holds a receipt that this browser checked', async ({ page }) => {
  await becomeVoter(page);
  let taps = 0;
  const tap = async (name: string | RegExp, role: 'link' | 'button' = 'button') => {
    taps += 1;
    await page.getByRole(role, { name }).first().click();
  };
  await tap('去投票', 'link');
  taps += 1;
  await page.getByText('同意照这个议题去做').click();
  await tap('看一遍再投');
  await expect(page.getByRole('dialog')).toContainText('我代表');
  await tap('投出赞成票');
  await expect(page.getByText('你的票已放进票箱')).toBeVisible();
  await expect(page.getByText('已核实')).toBeVisible();
  await expect(page.getByText(/一模一样/)).toBeVisible();
  expect(taps).toBeLessThanOrEqual(6);

  await open(page, '/receipts');
  await expect(page.getByText('更换全区供水立管和水泵')).toBeVisible();
});

test('anyone without an identity can check a receipt by its address', async ({ page, context }) => {
  await becomeVoter(page);
  await page.getByRole('link', { name: '去投票' }).first().click();
  await page.getByText('不做，保持现状').click();
  await page.getByRole('button', { name: '看一遍再投' }).click();
  await page.getByRole('button', { name: '投出反对票' }).click();
  await expect(page.getByText('已核实')).toBeVisible();
  const address = page.url();
  const stranger = await context.browser()?.newPage();
  await stranger?.goto(address);
  await expect(stranger!.getByText('已核实')).toBeVisible();
  await stranger?.close();
});

test('a result prints its sums, and this device can add the ballots up again', async ({ page }) => {
  const passed = await first<{ id: string; state: number }>('/api/v1/decisions/motions?state=0&limit=100', (m) => m.state === 4);
  await open(page, `/votes/${passed.id}/result`);
  await expect(page.getByRole('heading', { name: '通过', exact: true })).toBeVisible();
  await expect(page.getByText(/^3 ×/).first()).toBeVisible();
  // The sums are everybody's; the ballots one by one are for members.
  await page.getByRole('button', { name: '在我手机上重新计票' }).click();
  await expect(page.getByText('本小区的人登录以后才看得到')).toBeVisible();
  await becomeName(page, 'O0091');
  await open(page, `/votes/${passed.id}/result`);
  await page.getByRole('button', { name: '在我手机上重新计票' }).click();
  await expect(page.getByText(/和公布的一样/)).toBeVisible();
});

test('a spend is walked back from the bank line to the ballots', async ({ page }) => {
  await open(page, '/money');
  await page.locator('.tx').filter({ hasText: '有决定' }).first().click();
  await expect(page.getByText('银行流水', { exact: true })).toBeVisible();
  await expect(page.getByText('业主表决通过')).toBeVisible();
  await page.getByRole('link', { name: /业主表决通过/ }).click();
  await expect(page.getByText('逐条算一遍')).toBeVisible();
});

test('English and large text are one tap away and stay', async ({ page }) => {
  await open(page, '/me');
  await page.getByRole('button', { name: 'English' }).click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await page.getByRole('button', { name: 'Large', exact: true }).click();
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-scale', 'elder');
  await expect(page.getByRole('heading', { name: 'Me' })).toBeVisible();
});
