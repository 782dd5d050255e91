/** The rule book as screens use it. */
import { big, num, obj, read, readAll, str, type Obj } from '../api';
import { scalar } from './decisions';

export interface Rule {
  id: number;
  key: string;
  layer: number;
  unit: number;
  num: bigint;
  den: bigint;
  fromAt: number;
  source: string;
  article: string;
}

const toRule = (o: Obj): Rule => ({
  id: num(o['id']),
  key: str(o['key']),
  layer: num(o['layer']),
  unit: num(o['unit']),
  num: big(o['num']),
  den: big(o['den']),
  fromAt: num(o['from_at']),
  source: str(o['source']),
  article: str(o['article']),
});

export const rules = async (): Promise<Rule[]> => (await readAll('rules', 'rules')).map(toRule);
export const bookHash = async (): Promise<string> => str(scalar(await read('rules', 'book_hash'), 'hash'));
export async function rule(key: string): Promise<Rule | null> {
  try {
    return toRule(obj(await read('rules', 'rule', { key })));
  } catch {
    return null;
  }
}
