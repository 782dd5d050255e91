import { sortOf, type Member, type Sort } from '$lib/consortium';
import type { IconName } from '$kit/icons';

const pictures: Record<Sort, IconName> = {
  committee: 'people',
  manager: 'home',
  street: 'gov',
  bureau: 'gov',
  bank: 'bank',
  other: 'seal',
};

export const pictureOf = (member: Member): IconName => pictures[sortOf(member.name)];

/**
 * Names short enough for the ring, by key. A sort of organisation names a member only where it is the only one of
 * its sort; all others keep the name they registered.
 */
export function shortNames(members: Member[], words: Record<Sort, string>): Map<string, string> {
  const times = new Map<Sort, number>();
  for (const m of members) times.set(sortOf(m.name), (times.get(sortOf(m.name)) ?? 0) + 1);
  return new Map(
    members.map((m) => {
      const sort = sortOf(m.name);
      return [m.key, (times.get(sort) === 1 && words[sort]) || m.name];
    }),
  );
}
