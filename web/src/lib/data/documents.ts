/** Papers on file. */
import { bool, read } from '../api';
import { scalar } from './decisions';

export const enum DocumentKind {
  Quote = 7,
  Invoice = 8,
}

/** Whether a paper with this mark is on file. */
export const isKnown = async (hash: string): Promise<boolean> => bool(scalar(await read('documents', 'is_known', { hash }), 'known'));
