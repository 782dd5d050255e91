/** The one call of an asset that the app makes, as `modules/money/IToken.sol` has it. */
import type { Abi } from 'viem';

export const TRANSFER_ABI = [
  {
    type: 'function',
    name: 'transferWithMemo',
    stateMutability: 'nonpayable',
    inputs: [
      { name: 'to', type: 'address' },
      { name: 'value', type: 'uint256' },
      { name: 'memo', type: 'bytes32' },
    ],
    outputs: [{ name: '', type: 'bool' }],
  },
] as const satisfies Abi;
