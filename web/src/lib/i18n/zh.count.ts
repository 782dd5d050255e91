const numerals = ['零', '一', '两', '三', '四', '五', '六', '七', '八', '九', '十'];

/** Small counts read as words: 五家. */
export const n = (x: number): string => numerals[x] ?? String(x);
