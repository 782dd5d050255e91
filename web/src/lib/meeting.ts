/** Whoever acts reads in their own name. */
import { unitsOf } from './data/registry';
import { session } from './session.svelte';

/**
 * Somebody acts from now on, and reads in their own name: signed in quietly where this server shows the rows of members only
 * to who has signed in, and not at all where it asks nobody. False where no quiet key did.
 */
export async function meets(account: string): Promise<boolean> {
  await session.onlyFor(account);
  // A read that is refused signs in by itself.
  return unitsOf(account).then(
    () => true,
    () => false,
  );
}
