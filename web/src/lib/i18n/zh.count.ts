const numerals = ['零', '一', '两', '三', '四', '五', '六', '七', '八', '九', '十'];

/** Small counts read as words: 五家, 十二家. */
export const n = (x: number): string =>
  numerals[x] ?? (x > 10 && x < 20 ? `十${x === 12 ? '二' : numerals[x - 10]}` : x === 20 ? '二十' : String(x));
