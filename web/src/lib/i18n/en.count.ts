const words =
  'no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'.split(
    ' ',
  );

/** Small counts read as words. */
export const n = (x: number): string => words[x] ?? String(x);
/** The same at the beginning of a sentence. */
export const N = (x: number): string => n(x).charAt(0).toUpperCase() + n(x).slice(1);
/** A count with its noun. */
export const s = (x: number, one: string, many = `${one}s`): string => `${x} ${x === 1 ? one : many}`;
