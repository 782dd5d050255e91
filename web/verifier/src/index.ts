export { anchorOf, sameAnchor, verifyPage, verifyReceipt } from './verify';
export type { Anchor, PageProof, ReceiptProof, Refuted, Step, Verified, VerifiedPage } from './verify';
export type { Header, Log, Receipt } from './receipt';
export { fromHex, toHex } from './bytes';
export { parseKeySheet, printKeySheet, SheetError } from './sheet';
export type { KeySheet, SheetProblem } from './sheet';
export { quorum } from './certificate';
