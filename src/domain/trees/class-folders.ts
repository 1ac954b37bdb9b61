/** Where the files of a class can lie, as far as its pattern says: so a look at one class does not list the folders of all others. */

import type { TreeRules } from './tree-rules.js';

interface Reach {
  /** Every path that matches begins with it. */
  readonly prefix: string;
  /** Every path that begins with it matches. */
  readonly isWhole: boolean;
}

/** Whether a walk for one class looks into this folder. A file that matches a class whose walk does not come by is none of its type.
 *  @param folder path relative to the root of the tree, ending in `/` */
export function mayHoldClass(
  { classes }: Pick<TreeRules, 'classes'>,
  classIndex: number,
  folder: string,
): boolean {
  const { prefix } = reachOf(classes[classIndex]!.match);
  if (!folder.startsWith(prefix) && !prefix.startsWith(folder)) return false;
  // A class that has a folder of its own leaves nothing there for those that name none, and one that takes all of it nothing for those behind it.
  return !classes.some(({ match }, index) => {
    const other = reachOf(match);
    if (!other.prefix.endsWith('/') || !folder.startsWith(other.prefix)) return false;
    return !prefix.startsWith(other.prefix) || (other.isWhole && index < classIndex);
  });
}

/** The same, of what its pattern says outright: `^data/` names a folder, and a pattern that says how files are called says nothing of folders. */
export function namesFolder(
  rules: Pick<TreeRules, 'classes'>,
  classIndex: number,
  folder: string,
): boolean {
  const { prefix } = reachOf(rules.classes[classIndex]!.match);
  const named = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if (named === '' || !mayHoldClass(rules, classIndex, folder)) return false;
  return folder.startsWith(named) || named.startsWith(folder);
}

const known = new WeakMap<RegExp, Reach>();

function reachOf(match: RegExp): Reach {
  let reach = known.get(match);
  if (reach === undefined) {
    reach = readReach(match);
    known.set(match, reach);
  }
  return reach;
}

const ANYWHERE: Reach = { prefix: '', isWhole: false };
/** One escaped or plain character that stands for itself, and what makes it stand for something else. */
const LITERAL = /^(?:\\([/.\-_#@~%])|([A-Za-z0-9/_\-%~@#, ]))(?![*?+{])/;

function readReach({ source, flags }: RegExp): Reach {
  if (!source.startsWith('^') || flags.includes('i') || hasAlternatives(source)) return ANYWHERE;
  let prefix = '';
  let rest = source.slice(1);
  for (let found = LITERAL.exec(rest); found !== null; found = LITERAL.exec(rest)) {
    prefix += found[1] ?? found[2] ?? '';
    rest = rest.slice(found[0].length);
  }
  return { prefix, isWhole: rest === '' && prefix.endsWith('/') };
}

/** `^a|b` begins with `^a` and matches every `b`; `^(?:a|b)` does not. */
function hasAlternatives(source: string): boolean {
  let depth = 0;
  let isSet = false;
  for (let i = 0; i < source.length; i++) {
    const character = source[i];
    if (character === '\\') i++;
    else if (isSet) isSet = character !== ']';
    else if (character === '[') isSet = true;
    else if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === '|' && depth === 0) return true;
  }
  return false;
}
