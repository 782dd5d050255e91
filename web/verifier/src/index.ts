export { anchorOf, sameAnchor, verifyReceipt } from './verify';
export type { Anchor, ReceiptProof, Refuted, Step, Verified } from './verify';
export type { Header, Log, Receipt } from './receipt';
export { fromHex, toHex } from './bytes';
export { quorum } from './certificate';
