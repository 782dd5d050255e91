/** Numbers and dates as people read them. Money is integer fen and area integer 0.01 m²: no float ever holds either. */

export type Lang = 'zh' | 'en';

/** Groups an integer string by thousands. */
function group(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** Hundredths as `12,345.67`; a real minus sign. */
export function hundredths(value: bigint): string {
  const minus = value < 0n ? '\u2212' : '';
  const abs = value < 0n ? -value : value;
  return `${minus}${group((abs / 100n).toString())}.${(abs % 100n).toString().padStart(2, '0')}`;
}

/** Integer with thousands. */
export function count(value: number | bigint): string {
  return group(value.toString());
}

/** Reads `13024.80`, `13,024.8` or `7` into hundredths. Throws on anything else. */
export function parseHundredths(text: string): bigint {
  const m = /^(-?)(\d+)(?:\.(\d{1,2}))?$/.exec(text.replace(/,/g, '').trim());
  if (!m) throw new RangeError(`not an amount: ${text}`);
  const abs = BigInt(m[2] ?? '0') * 100n + BigInt((m[3] ?? '').padEnd(2, '0') || '0');
  return m[1] ? -abs : abs;
}

/** Money for running text: `93,778.56 元` or `¥93,778.56`. */
export function yuan(fen: bigint, lang: Lang): string {
  return lang === 'zh' ? `${hundredths(fen)} 元` : `${fen < 0n ? '\u2212' : ''}¥${hundredths(fen < 0n ? -fen : fen)}`;
}

/** Whole yuan without fen, for budgets. */
export function wholeYuan(fen: bigint): string {
  return group((fen / 100n).toString());
}

/** Ten thousands with two cut decimals, for legends: `25.03`. */
export function wan(fen: bigint): string {
  return hundredths(fen / 10_000n);
}

export function area(centi: bigint, lang: Lang): string {
  return `${hundredths(centi)} ${lang === 'zh' ? '㎡' : 'm²'}`;
}

/** Percent cut to one decimal, never rounded up: 66.69 % shows as 66.6 %. */
export function percentCut(part: bigint, whole: bigint): string {
  if (whole === 0n) return '0.0%';
  const tenths = (part * 1000n) / whole;
  return `${tenths / 10n}.${tenths % 10n}%`;
}

/** Share as a number from 0 to 100, for bar lengths only. */
export function barShare(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Math.min(100, Number((part * 100_000n) / whole) / 1000);
}

const ZONE = 'Asia/Shanghai';
const DAY = 86_400;
const weekZh = ['周日', '周一', '周二', '周三', '周四', '周五', '周六'];

interface Parts {
  year: number;
  month: number;
  day: number;
  hour: string;
  minute: string;
  week: number;
}

function parts(seconds: number): Parts {
  const at = new Date(seconds * 1000);
  const out: Record<string, string> = {};
  for (const p of new Intl.DateTimeFormat('en-GB', {
    timeZone: ZONE,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at))
    out[p.type] = p.value;
  const year = Number(out['year']),
    month = Number(out['month']),
    day = Number(out['day']);
  return {
    year,
    month,
    day,
    hour: out['hour'] ?? '00',
    minute: out['minute'] ?? '00',
    week: new Date(Date.UTC(year, month - 1, day)).getUTCDay(),
  };
}

/** `3月12日 周四`, with the year only when it is not this one. */
export function day(seconds: number, lang: Lang, now = Date.now() / 1000): string {
  const p = parts(seconds);
  const thisYear = parts(now).year === p.year;
  if (lang === 'zh') return `${thisYear ? '' : `${p.year}年`}${p.month}月${p.day}日 ${weekZh[p.week]}`;
  const text = new Intl.DateTimeFormat('en-GB', {
    timeZone: ZONE,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    ...(thisYear ? {} : { year: 'numeric' }),
  });
  return text.format(new Date(seconds * 1000)).replace(',', '');
}

export function clock(seconds: number): string {
  const p = parts(seconds);
  return `${p.hour}:${p.minute}`;
}

/** A time of today to the second, `09:41:06`. */
export function clockSeconds(seconds: number): string {
  return `${clock(seconds)}:${String(Math.floor(seconds) % 60).padStart(2, '0')}`;
}

export function dayClock(seconds: number, lang: Lang): string {
  return lang === 'zh' ? `${day(seconds, lang)} ${clock(seconds)}` : `${day(seconds, lang)}, ${clock(seconds)}`;
}

/** A deadline: midnight is 24:00 of the day that ends. */
export function deadline(seconds: number, lang: Lang): string {
  const p = parts(seconds);
  const midnight = p.hour === '00' && p.minute === '00';
  const at = midnight ? '24:00' : clock(seconds);
  const on = day(midnight ? seconds - 1 : seconds, lang);
  return lang === 'zh' ? `${on} ${at}` : `${on}, ${at}`;
}

/** Time left, two units at most; `null` when it is over. */
export function left(until: number, lang: Lang, now = Date.now() / 1000): string | null {
  const s = Math.floor(until - now);
  if (s <= 0) return null;
  const d = Math.floor(s / DAY),
    h = Math.floor((s % DAY) / 3600),
    m = Math.floor((s % 3600) / 60);
  if (lang === 'zh') return d ? `还有 ${d} 天 ${h} 小时` : h ? `还有 ${h} 小时 ${m} 分` : `还有 ${Math.max(1, m)} 分钟`;
  return d ? `${d} d ${h} h left` : h ? `${h} h ${m} min left` : `${Math.max(1, m)} min left`;
}

/** Form date `2026-03-12 周四`. */
export function formDay(seconds: number, lang: Lang): string {
  const p = parts(seconds);
  const iso = isoDay(seconds);
  return lang === 'zh' ? `${iso} ${weekZh[p.week]}` : `${iso} ${['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][p.week]}`;
}

/** `2026-03-12`, the calendar day in the community's zone. */
export function isoDay(seconds: number): string {
  const p = parts(seconds);
  return `${p.year}-${String(p.month).padStart(2, '0')}-${String(p.day).padStart(2, '0')}`;
}

/** Midnight (start) of an ISO day in the community's zone, in seconds. China keeps UTC+8 all year. */
export function dayStart(iso: string): number {
  return Date.parse(`${iso}T00:00:00+08:00`) / 1000;
}

export function monthOf(seconds: number): { year: number; month: number } {
  const p = parts(seconds);
  return { year: p.year, month: p.month };
}

export function dateBlock(seconds: number, lang: Lang): { day: string; week: string } {
  const p = parts(seconds);
  return {
    day: String(p.day),
    week: lang === 'zh' ? (weekZh[p.week] ?? '') : (['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][p.week] ?? ''),
  };
}

/** `2-1-302` as people say it at home: `2号楼1单元302室`. Shops are `2-S-03`. */
export function unitName(id: string, lang: Lang): string {
  const [building, stair, door] = id.split('-');
  if (!building || !stair || !door) return id;
  if (lang === 'en')
    return stair === 'S' ? `Building ${building}, shop ${door}` : stair === 'P' ? `Building ${building}, space ${door}` : `${id}`;
  if (stair === 'S') return `${building}号楼商铺${door}`;
  if (stair === 'P') return `${building}号楼车位${door}`;
  return `${building}号楼${stair}单元${door}室`;
}

const CODE = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** A check code, 4 groups of 4 characters without I O 0 1, from the first 80 bits of a 32-byte hex. */
export function checkCode(hex: string): string[] {
  let bits = BigInt(`0x${hex.replace(/^0x/, '').slice(0, 20) || '0'}`);
  const out: string[] = [];
  for (let i = 0; i < 16; i += 1) {
    out.unshift(CODE[Number(bits & 31n)] ?? 'A');
    bits >>= 5n;
  }
  const text = out.join('');
  return [0, 4, 8, 12].map((i) => text.slice(i, i + 4));
}

/** The ends of an address, enough to tell a person's few apart. */
export const shortAddress = (address: string): string => `${address.slice(0, 6)}…${address.slice(-4)}`;
