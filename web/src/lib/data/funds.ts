/** Funds, budget lines, payments and bank lines as screens use them. Money is fen, times are seconds. */
import { big, bool, list, num, obj, read, readAll, str, type Json, type Obj } from '../api';

export const enum MovementKind {
  None,
  Credit,
  Payment,
  Unexplained,
  Explained,
}
export const enum RequestState {
  None,
  Requested,
  Ordered,
  Paid,
  Rejected,
  Withdrawn,
  Returned,
}

export interface Fund {
  id: number;
  name: string;
  purpose: number;
  balance: bigint;
  held: bigint;
  unexplained: bigint;
  unexplainedCount: number;
  movements: number;
}
export interface Line {
  id: number;
  fund: number;
  year: number;
  name: string;
  planned: bigint;
  committed: bigint;
  paid: bigint;
  left: bigint;
  decision: number;
}
export interface Budget {
  decision: number;
  fund: number;
  allowed: bigint;
  voted: bigint;
  lines: bigint;
  committed: bigint;
  paid: bigint;
  settled: boolean;
}
export interface Payee {
  payeeHash: string;
  name: string;
  payableAt: number;
  version: number;
}
export interface Payment {
  id: number;
  fund: number;
  line: number;
  decision: number;
  amount: bigint;
  payeeHash: string;
  payeeName: string;
  quoteDigest: string;
  invoiceDigest: string;
  purpose: string;
  stage: number;
  state: RequestState;
  requester: string;
  requestedAt: number;
  summed: bigint;
  tier: number;
  approvals: number;
  needed: number;
  payableAt: number;
  revision: number;
  orderedAt: number;
  movement: number;
  reason: string;
}
export interface Approval {
  signer: string;
  offices: number;
  signedAt: number;
  holds: boolean;
}
export interface Movement {
  id: number;
  fund: number;
  kind: MovementKind;
  amount: bigint;
  balance: bigint;
  bankRef: string;
  occurredAt: number;
  memo: string;
  request: number;
  decision: number;
  line: number;
  explanation: string;
}
export interface Trail {
  movement: Movement;
  payment: Payment | null;
  approvals: Approval[];
  line: Line | null;
  decision: number;
}
export interface Statement {
  period: number;
  version: number;
  opening: bigint;
  credits: bigint;
  debits: bigint;
  closing: bigint;
  publishedAt: number;
}
export interface Share {
  unit: number;
  area: bigint;
  share: bigint;
  charged: bigint;
  receivable: bigint;
}

const toFund = (o: Obj): Fund => ({
  id: num(o['id']),
  name: str(o['name']),
  purpose: num(o['purpose']),
  balance: big(o['balance_fen']),
  held: big(o['held_fen']),
  unexplained: big(o['unexplained_fen']),
  unexplainedCount: num(o['unexplained']),
  movements: num(o['movements']),
});
const toLine = (o: Obj): Line => ({
  id: num(o['id']),
  fund: num(o['fund']),
  year: num(o['year']),
  name: str(o['name']),
  planned: big(o['planned_fen']),
  committed: big(o['committed_fen']),
  paid: big(o['paid_fen']),
  left: big(o['left_fen']),
  decision: num(o['decision']),
});
export const toPayment = (o: Obj): Payment => ({
  id: num(o['id']),
  fund: num(o['fund']),
  line: num(o['line']),
  decision: num(o['decision']),
  amount: big(o['amount_fen']),
  payeeHash: str(o['payee_hash']),
  payeeName: str(o['payee_name']),
  quoteDigest: str(o['quote_digest']),
  invoiceDigest: str(o['invoice_digest']),
  purpose: str(o['purpose']),
  stage: num(o['stage']),
  state: num(o['state']),
  requester: str(o['requester']).toLowerCase(),
  requestedAt: num(o['requested_at']),
  summed: big(o['summed_fen']),
  tier: num(o['tier']),
  approvals: num(o['approvals']),
  needed: num(o['needed']),
  payableAt: num(o['payable_at']),
  revision: num(o['revision']),
  orderedAt: num(o['ordered_at']),
  movement: num(o['movement']),
  reason: str(o['reason']),
});
const toApproval = (o: Obj): Approval => ({
  signer: str(o['signer']).toLowerCase(),
  offices: num(o['offices']),
  signedAt: num(o['signed_at']),
  holds: bool(o['holds']),
});
export const toMovement = (o: Obj): Movement => ({
  id: num(o['id']),
  fund: num(o['fund']),
  kind: num(o['kind']),
  amount: big(o['amount_fen']),
  balance: big(o['balance_fen']),
  bankRef: str(o['bank_ref']),
  occurredAt: num(o['occurred_at']),
  memo: str(o['memo']),
  request: num(o['request']),
  decision: num(o['decision']),
  line: num(o['line']),
  explanation: str(o['explanation']),
});
const items = (v: Json): Obj[] => list(Array.isArray(v) ? v : obj(v)['items']).map(obj);

export const funds = async (): Promise<Fund[]> => (await readAll('funds', 'funds')).map(toFund);
export const lines = async (fund = 0, year = 0): Promise<Line[]> => (await readAll('funds', 'lines', { of_fund: fund, year })).map(toLine);
export const payments = async (fund = 0): Promise<Payment[]> =>
  (await readAll('funds', 'requests', { state: 0, of_fund: fund })).map(toPayment);
export const payment = async (id: number): Promise<Payment> => toPayment(obj(await read('funds', 'request_of', { id })));
export const approvals = async (id: number): Promise<Approval[]> => items(await read('funds', 'approvals', { id })).map(toApproval);

/** Bank lines, newest first. */
export async function movements(fund: number, from = 0): Promise<Movement[]> {
  const rows = (await readAll('funds', 'movements', { of_fund: fund, from, until: 0 })).map(toMovement);
  return rows.sort((a, b) => b.occurredAt - a.occurredAt || b.id - a.id);
}

export async function trail(movement: number): Promise<Trail> {
  const o = obj(await read('funds', 'trail', { movement }));
  const payment = toPayment(obj(o['request']));
  const line = toLine(obj(o['line']));
  return {
    movement: toMovement(obj(o['movement'])),
    payment: payment.id ? payment : null,
    approvals: list(o['approvals']).map((v) => toApproval(obj(v))),
    line: line.id ? line : null,
    decision: num(o['decision']),
  };
}

export const statements = async (fund: number): Promise<Statement[]> =>
  (await readAll('funds', 'statements', { of_fund: fund })).map((o) => ({
    period: num(o['period']),
    version: num(o['version']),
    opening: big(o['opening_fen']),
    credits: big(o['credits_fen']),
    debits: big(o['debits_fen']),
    closing: big(o['closing_fen']),
    publishedAt: num(o['published_at']),
  }));

export async function budget(decision: number): Promise<Budget> {
  const o = obj(await read('funds', 'budget', { decision }));
  return {
    decision,
    fund: num(o['fund']),
    allowed: big(o['allowed_fen']),
    voted: big(o['voted_fen']),
    lines: big(o['lines_fen']),
    committed: big(o['committed_fen']),
    paid: big(o['paid_fen']),
    settled: bool(o['settled']),
  };
}

/** The payee behind a commitment; `null` where none is on record. */
export async function payee(hash: string): Promise<Payee | null> {
  if (/^0x0*$/.test(hash)) return null;
  try {
    const o = obj(await read('funds', 'payee', { payee_hash: hash }));
    return str(o['name'])
      ? { payeeHash: str(o['payee_hash']), name: str(o['name']), payableAt: num(o['payable_at']), version: num(o['version']) }
      : null;
  } catch {
    return null;
  }
}

/** What a unit would bear of a motion's budget; `null` where that cannot be said. */
export async function estimate(decision: number, unit: number): Promise<Share | null> {
  try {
    const o = obj(await read('funds', 'estimate', { decision, unit }));
    return {
      unit,
      area: BigInt(str(o['area_m2']).replace('.', '') || '0'),
      share: big(o['share_fen']),
      charged: big(o['charged_fen']),
      receivable: big(o['receivable_fen']),
    };
  } catch {
    return null;
  }
}

export async function unitBalance(fund: number, unit: number): Promise<bigint | null> {
  try {
    return big(obj(await read('funds', 'unit_balance', { of_fund: fund, unit }))['balance_fen']);
  } catch {
    return null;
  }
}

export const isCredit = (m: Movement): boolean => m.kind === MovementKind.Credit;
export const signed = (m: Movement): bigint => (isCredit(m) ? m.amount : -m.amount);

export interface MonthSum {
  year: number;
  month: number;
  income: bigint;
  spending: bigint;
}

/** Sums per month of the twelve months that end with `last` (any second in it), oldest first. */
export function twelveMonths(
  rows: Movement[],
  last: { year: number; month: number },
  monthOf: (s: number) => { year: number; month: number },
): MonthSum[] {
  const end = last.year * 12 + last.month - 1;
  const out: MonthSum[] = Array.from({ length: 12 }, (_, i) => {
    const at = end - 11 + i;
    return { year: Math.floor(at / 12), month: (at % 12) + 1, income: 0n, spending: 0n };
  });
  for (const row of rows) {
    const { year, month } = monthOf(row.occurredAt);
    const slot = out[year * 12 + month - 1 - (end - 11)];
    if (!slot) continue;
    if (isCredit(row)) slot.income += row.amount;
    else slot.spending += row.amount;
  }
  return out;
}

/** Spending by what allowed it, largest first; what does not fit in `most` rows is added up at the end under `rest`. */
export function byPurpose(
  rows: Movement[],
  nameOf: (row: Movement) => string,
  most: number,
  rest: string,
): { name: string; sum: bigint }[] {
  const sums = new Map<string, bigint>();
  for (const row of rows)
    if (!isCredit(row)) {
      const name = nameOf(row) || rest;
      sums.set(name, (sums.get(name) ?? 0n) + row.amount);
    }
  const all = [...sums].map(([name, sum]) => ({ name, sum })).sort((a, b) => (a.sum === b.sum ? 0 : b.sum > a.sum ? 1 : -1));
  if (all.length <= most) return all;
  const tail = all.slice(most - 1).reduce((n, r) => n + r.sum, 0n);
  return [...all.slice(0, most - 1), { name: rest, sum: tail }];
}
