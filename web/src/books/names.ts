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
