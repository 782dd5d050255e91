import { expect, test } from '@playwright/test';
import { become, becomeName, open } from './people';

const folder = new URL('../../demo/guihua/', import.meta.url);
const file = (name: string): string => new URL(name, folder).pathname;

test('the registrar checks the three tables against the book and posts the roll', async ({ page }) => {
  await become(page, '登记员');
  await open(page, '/console/roll');
  await page.getByLabel(/units\.csv/).setInputFiles(file('units.csv'));
  await page.getByLabel(/owners\.csv/).setInputFiles(file('owners.csv'));
  await page.getByLabel(/holdings\.csv/).setInputFiles(file('holdings.csv'));
  await expect(page.getByText(/13,024\.80 ㎡，116 个投票权/)).toBeVisible();
  await expect(page.getByText('和账本里一样')).toBeVisible();
  await page.getByRole('button', { name: '公示名册' }).click();
  await expect(page.getByText(/已公示，异议到/)).toBeVisible();
});

test('a broken table names file, line and column, and nothing is imported', async ({ page }) => {
  await become(page, '登记员');
  await open(page, '/console/roll');
  const csv = (name: string, text: string) => ({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });
  await page
    .getByLabel(/units\.csv/)
    .setInputFiles(
      csv(
        'units.csv',
        'unit_id,building,stair,floor,door,use,area_m2,area_source,counts_area,counts_head,delivered,developer_owned\n1-1-101,1,1,1,101,home,88.125,registered,true,true,true,false\n',
      ),
    );
  await page.getByLabel(/owners\.csv/).setInputFiles(csv('owners.csv', 'owner_id,kind,name,phone\nO1,person,甲,\n'));
  await page.getByLabel(/holdings\.csv/).setInputFiles(csv('holdings.csv', 'unit_id,owner_id,share_num,share_den,kind,from_date\n'));
  await expect(page.getByRole('alert')).toContainText('units.csv 第 2 行，area_m2');
  await expect(page.getByRole('button', { name: /^导入/ })).toHaveCount(0);
});

test('the chair announces a motion with computed dates, and it stands in the list', async ({ page }) => {
  await become(page, '业委会主任');
  await open(page, '/console/new-motion');
  await page.getByRole('button', { name: /下一步/ }).click();
  await page.getByLabel('标题').fill('粉刷三号楼楼道');
  await page.getByLabel(/最多花多少/).fill('36000.00');
  await page.getByRole('button', { name: /下一步/ }).click();
  await expect(page.getByText(/项通过/)).toBeVisible();
  await page.getByRole('button', { name: /下一步/ }).click();
  await page.getByRole('button', { name: '发布通知' }).click();
  await expect(page.getByRole('link', { name: '粉刷三号楼楼道' })).toBeVisible();
});

test('the manager asks for money on a budget line and the treasurer signs', async ({ page }) => {
  const purpose = `更换灯管 ${Date.now() % 100_000}`;
  await become(page, '物业经理');
  await open(page, '/console/payments');
  await page.getByRole('button', { name: '申请付款' }).click();
  const basis = page.getByLabel('凭什么付');
  const line = await basis.locator('option', { hasText: '· 日常维修' }).getAttribute('value');
  await basis.selectOption(line ?? '');
  await page.getByLabel('付给').selectOption({ label: '泽林建筑工程有限公司' });
  await page.getByLabel('用途').fill(purpose);
  await page.getByLabel('金额（元）').fill('120.00');
  await page.locator('form').getByRole('button', { name: '申请付款' }).click();
  await expect(page.getByText(purpose).first()).toBeVisible();

  await become(page, '财务委员');
  await open(page, '/console/payments');
  await page.getByRole('button', { name: new RegExp(purpose) }).click();
  await page.getByRole('button', { name: '签字同意' }).click();
  await expect(page.getByRole('dialog')).toContainText('我同意');
  await page.getByRole('dialog').getByRole('button', { name: '签字同意' }).click();
  await expect(page.getByText('已签字')).toBeVisible();
});

test('turnout is watched live', async ({ page }) => {
  await becomeName(page, 'chair');
  await open(page, '/console/votes');
  await page.getByRole('link', { name: '更换全区供水立管和水泵' }).click();
  await expect(page.getByText('参与要到 2/3')).toBeVisible();
  await expect(page.locator('table tbody tr').first()).toBeVisible();
});
