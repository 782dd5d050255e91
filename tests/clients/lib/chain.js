/** A node as viem knows it. */
import { defineChain } from 'viem';
import { rpc } from './node.js';

/** The node's chain; `more` are serialisers and the like of clients that need their own. */
export async function chainOf(node, more = {}) {
  const id = Number((await rpc(node.url, 'eth_chainId', [])).result);
  return defineChain({
    ...more,
    id,
    name: 'Tulou',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [node.url], webSocket: [node.ws] } },
  });
}
