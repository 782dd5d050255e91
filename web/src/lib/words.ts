import { i18n } from './i18n/index.svelte';
import type { Comparison, Motion } from './data/decisions';
import { count, hundredths } from './format';

/** Who decides a motion, in words. */
export function scopeName(scope: Motion['scope']): string {
  const t = i18n.t.motion;
  if (scope.kind === 2) return t.scopeBuilding(scope.building);
  if (scope.kind === 3) return t.scopeStair(scope.building, scope.stair);
  return t.scopeAll;
}

/** A comparison as printed: `3 × 10,158.40 ≥ 2 × 13,024.80`. A factor of one is left out. */
export function sum(c: Comparison, kind: 'area' | 'heads'): { left: string; sign: string; right: string } {
  const show = (n: bigint) => (kind === 'area' ? hundredths(n) : count(n));
  const side = (factor: bigint, value: bigint) => (factor === 1n ? show(value) : `${factor} × ${show(value)}`);
  const sign = c.met ? (c.strict ? '＞' : '≥') : c.strict ? '≤' : '＜';
  return { left: side(c.leftFactor, c.left), sign, right: side(c.rightFactor, c.right) };
}
