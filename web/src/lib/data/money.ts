/** Assets, and what an account has of them. Amounts are fen. */
import { big, num, obj, read, readAll, str } from '../api';

export interface Asset {
  id: number;
  /** Address of its face as a token. */
  token: string;
  name: string;
}
export interface Holding extends Asset {
  /** What is not held for an order. */
  free: bigint;
}

export const assets = async (): Promise<Asset[]> =>
  (await readAll('money', 'assets')).map((o) => ({ id: num(o['id']), token: str(o['token']).toLowerCase(), name: str(o['name']) }));

/** Assets of which an account has something to spend. */
export async function holdingsOf(account: string): Promise<Holding[]> {
  const all = await Promise.all(
    (await assets()).map(async (asset) => {
      const o = obj(await read('money', 'balance', { of_asset: asset.id, account }));
      return { ...asset, free: big(o['balance_fen']) - big(o['held_fen']) };
    }),
  );
  return all.filter((h) => h.free > 0n);
}
