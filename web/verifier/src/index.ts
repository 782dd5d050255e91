export { anchorOf, sameAnchor, verifyPage, verifyReceipt } from './verify';
export type { Anchor, PageProof, ReceiptProof, Refuted, Step, Verified, VerifiedPage } from './verify';
export type { Header, Log, Receipt } from './receipt';
export { fromHex, toHex } from './bytes';
export { quorum } from './certificate';
export { namespaceOf, parseKeySheet, printKeySheet, SheetError } from './sheet';
export type { KeySheet } from './sheet';
