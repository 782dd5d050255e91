import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { base, become, open, openDemo } from './people';
import { act, until, view, wait } from './wire';

const title = '1栋2单元电梯控制柜更新';
const firm = '枫泽电梯维保有限公司';
interface Motion {
  id: string;
  title: string;
  state: number;
  opens_at: string;
  closes_at: string;
  notice_at: string;
}
interface Payment {
  id: string;
  state: number;
  purpose: string;
  revision: number;
  payable_at: string;
}

async function clean(page: Page): Promise<void> {
  const found = await new AxeBuilder({ page }).analyze();
  expect(
    found.violations
      .filter((v) => v.impact === 'serious' || v.impact === 'critical')
      .map((v) => v.id)
      .filter((id) => id !== 'target-size'),
  ).toEqual([]);
}

const find = async (): Promise<Motion> => {
  const { items } = await view<{ items: Motion[] }>('decisions/motions?state=0&limit=100');
  const found = items.findLast((m) => m.title === title);
  if (!found) throw new Error('the motion is not there');
  return found;
};

test('owners vote and pay for the lift', async ({ page, browser }) => {
  test.setTimeout(150_000);
  await become(page, '业委会主任');
  await open(page, '/console/new-motion');
  await page.getByText('一个单元').click();
  await page.getByLabel('楼号').selectOption('1');
  await page.getByLabel('单元', { exact: true }).last().selectOption('2');
  await page.getByRole('button', { name: /下一步/ }).click();
  await page.getByLabel('标题').fill(title);
  await page.getByLabel(/最多花多少/).fill('60,000.00');
  await page.getByLabel('付给谁').selectOption({ label: firm });
  await page.getByRole('button', { name: /下一步/ }).click();
  await clean(page);
  await page.getByRole('button', { name: /下一步/ }).click();
  await page.getByRole('button', { name: '发布通知' }).click();
  await expect(page.getByRole('link', { name: title }).first()).toBeVisible();

  const motion = await find();
  await wait(Number(motion.opens_at) - Number(motion.notice_at) + 60);
  await until<Motion>(`decisions/motion?id=${motion.id}`, (m) => m.state === 2);

  // Scope A10 on a phone: one owner by hand, eight more with them; seven of nine agree.
  const phone = await (await browser.newContext({ viewport: { width: 390, height: 844 }, locale: 'zh-CN' })).newPage();
  await openDemo(phone);
  await phone.getByLabel(/业主编号/).fill('O0061');
  await phone.getByRole('button', { name: '用这个身份' }).click();
  await expect(phone.getByRole('link', { name: '去投票' }).first()).toBeVisible();
  await open(phone, `/votes/${motion.id}/ballot`);
  await phone.getByText('同意照这个议题去做').click();
  await phone.getByRole('button', { name: '看一遍再投' }).click();
  await expect(phone.getByRole('dialog')).toContainText(title);
  await clean(phone);
  await phone.getByRole('button', { name: '投出赞成票' }).click();
  await expect(phone.getByText('已核实')).toBeVisible();
  await clean(phone);
  for (const who of ['O0062', 'O0063', 'O0065', 'O0067', 'O0069', 'O0071']) await act(who, 'decisions', 'cast', [BigInt(motion.id), 1]);
  await act('O0064', 'decisions', 'cast', [BigInt(motion.id), 2]);
  await act('O0066', 'decisions', 'cast', [BigInt(motion.id), 3]);
  await open(page, `/console/votes/${motion.id}`);
  await expect(page.locator('table tbody tr')).toHaveCount(9);

  await wait(Number(motion.closes_at) - Number(motion.opens_at));
  await until<Motion>(`decisions/motion?id=${motion.id}`, (m) => m.state === 4);
  await open(phone, `/votes/${motion.id}/result`);
  await expect(phone.getByRole('heading', { name: '通过', exact: true })).toBeVisible();
  await expect(phone.getByText('你家的票在里面：赞成')).toBeVisible();
  await clean(phone);

  // The money follows the decision.
  await become(page, '物业经理');
  await open(page, '/console/payments');
  await page.getByRole('button', { name: '申请付款' }).click();
  await page.getByLabel('凭什么付').selectOption(`d${motion.id}`);
  await page.getByLabel('用途').fill('控制柜首款');
  await page.getByLabel('金额（元）').fill('30,000.00');
  await page
    .getByLabel('发票', { exact: true })
    .setInputFiles({ name: 'invoice.txt', mimeType: 'text/plain', buffer: Buffer.from(`发票 ${Date.now()}`) });
  await clean(page);
  await page.locator('form').getByRole('button', { name: '申请付款' }).click();
  await expect(page.getByRole('button', { name: /控制柜首款/ })).toBeVisible();
  const { items } = await view<{ items: Payment[] }>('funds/requests?state=0&of_fund=0&limit=100');
  const payment = items.findLast((p) => p.purpose === '控制柜首款');
  for (const office of ['财务委员', '业委会主任', '委员一', '委员二', '委员三']) {
    if ((await view<Payment>(`funds/request_of?id=${payment?.id}`)).state !== 1) break;
    await become(page, office);
    await open(page, '/console/payments');
    await page.getByRole('button', { name: /控制柜首款/ }).click();
    await page.getByRole('button', { name: '签字同意' }).click();
    await page.getByRole('dialog').getByRole('button', { name: '签字同意' }).click();
    await expect(page.getByRole('dialog')).toBeHidden();
  }
  await until<Payment>(`funds/request_of?id=${payment?.id}`, (p) => p.state === 2);
  await act('bank', 'funds', 'confirmDebit', [BigInt(payment?.id ?? 0), `E2E-${Date.now()}`, BigInt(Math.floor(Date.now() / 1000))]);

  // Any resident walks from the bank line back to the ballots.
  await phone.goto(`${base()}/money`);
  await phone.locator('.tx').filter({ hasText: '30,000.00' }).first().click();
  await expect(phone.getByText('业主表决通过')).toBeVisible();
  await expect(phone.getByText('你家那一票在里面')).toBeVisible();
  await clean(phone);
  await phone.context().close();
});
