/** What the files of users have beside their bytes that a copy does not keep, in words: what nobody says is taken for copied. */

import { counted } from '../sentences.js';
import type { FileFaults } from './file-faults.js';
import type { TreeRules } from './tree-rules.js';

/** A note of a session of folders without an entry; null: there are none. */
export function emptyFoldersText({ count, examples }: FileFaults): string | null {
  const [first] = examples;
  if (first === undefined) return null;
  const folders = counted(count, 'empty folder is', 'empty folders are');
  const named = JSON.stringify(first.path);
  return `${folders} not copied (${count === 1 ? named : `${named} first`}): a copy has folders for files alone`;
}

/** A note of the first session that copies a tree of users' files. */
export function notKeptText({ modes, times, links }: TreeRules['keeps']): string {
  const kept = [
    'bytes',
    ...(modes ? ['permissions'] : []),
    ...(times ? ['times of modification'] : []),
    ...(links ? ['hard links'] : []),
  ];
  const list = `${kept.slice(0, -1).join(', ')} and ${kept.at(-1)!}`;
  const lost = [
    'owners',
    'access lists',
    'extended attributes',
    ...(links ? [] : ['hard links']),
    'whatever their folders have of these',
  ];
  return `of the files ${list} are kept; not kept are ${lost.slice(0, -1).join(', ')}, and ${lost.at(-1)!}`;
}
