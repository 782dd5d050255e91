/** Whether this book is a demo, whose people anybody may try: the ledgers of `tulou dev` and `tulou consortium` have this number. */
import { rpc } from './rpc';

const DEMO_CHAIN = 7755;

export const isDemo = async (): Promise<boolean> => Number(await rpc<string>('eth_chainId')) === DEMO_CHAIN;
