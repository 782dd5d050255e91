import { expect, it } from 'vitest';
import { href, match } from '../router.svelte';

it('matches literal segments before parameters', () => {
  expect(match('/').name).toBe('home');
  expect(match('/votes').name).toBe('votes');
  expect(match('/votes/7')).toMatchObject({ name: 'motion', params: { id: '7' } });
  expect(match('/votes/7/result').name).toBe('result');
  expect(match('/console/new-motion').name).toBe('consoleWizard');
  expect(match('/nowhere/at/all').name).toBe('missing');
});

it('writes the paths that it matches', () => {
  expect(href('ballot', { id: 7 })).toBe('/votes/7/ballot');
  expect(match(href('receipt', { hash: '0xab' })).params['hash']).toBe('0xab');
});
