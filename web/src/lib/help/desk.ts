/** What the page of an act asks: for whom is it filled in here, and did a helper fill it in for whoever acts? */
import { acting } from '../actor.svelte';
import { router } from '../router.svelte';
import type { Act, Form, Prepared } from './link';

const ADDRESS = /^0x[0-9a-f]{40}$/;

/** The account for which this page prepares, by its address (`?for=`); empty where somebody acts for themselves. */
export function preparingFor(): string {
  const named = router.now.query.get('for') ?? '';
  return acting.now && ADDRESS.test(named) ? named : '';
}

let handed: Prepared | undefined;

/** What its person has read and takes over. */
export function hand(prepared: Prepared): void {
  handed = prepared;
}

/** A form that was taken over for this act, once, and whose it is. Nothing on a page that prepares for others. */
export function take<A extends Act>(act: A): { form: Extract<Form, { act: A }>; helper: string } | undefined {
  const found = handed;
  handed = undefined;
  const mine = found?.account === acting.now?.address.toLowerCase() && !preparingFor();
  return found && mine && found.form.act === act ? { form: found.form as Extract<Form, { act: A }>, helper: found.helper } : undefined;
}
