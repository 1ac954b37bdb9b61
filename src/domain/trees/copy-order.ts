import type { FileClass } from './tree-rules.js';

/** Names of the classes of a tree in the order in which their files get their names in the copy: as the layout has them, what refers to files behind these; but
 *  those that make the store one last, as long as the copy has no file of them: then there is no store before all of it is there
 *  (docs/FORMAT.md, Order, W6). Pure.
 *  @param has whether the copy has files of a class */
export function copyOrder(
  classes: readonly Pick<FileClass, 'name' | 'makesStore'>[],
  has: (name: string) => boolean,
): string[] {
  const isLast = ({ name, makesStore }: (typeof classes)[number]) =>
    makesStore === true && !has(name);
  return [...classes.filter((one) => !isLast(one)), ...classes.filter(isLast)].map(
    ({ name }) => name,
  );
}
