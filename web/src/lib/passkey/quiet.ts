/** What the everyday key of this device may still pay without a finger. */
import { big, obj, read } from '../api';
import { everydayKeyOf } from './everyday';
import { selectorOf } from './grant';

/** Fen that are left in this period, `null` where the key may not pay in this asset at all. */
export async function quietRest(account: string, token: string): Promise<bigint | null> {
  const key = await everydayKeyOf(account);
  if (!key?.allowed) return null;
  const target = token.toLowerCase();
  const selector = selectorOf('transferWithMemo(address,uint256,bytes32)');
  if (!key.allowed.scope.some((s) => s.target === target && s.selector === selector)) return null;
  const said = await read('accounts', 'may_act', { of_account: account, of_key: key.address, target, selector, amount_fen: 0 });
  return obj(said)['allowed'] ? big(obj(said)['rest_fen']) : null;
}
