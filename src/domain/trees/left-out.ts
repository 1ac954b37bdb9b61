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
  ];
  const lost = [
    'owners',
    'access lists',
    'extended attributes',
    modes ? 'special bits (setuid)' : 'permissions',
    times ? 'times before 1970' : 'times of modification',
    ...(links ? [] : ['hard links']),
  ];
  // Storage without such gets a file for each name.
  const linked = links ? ', and hard links, where the target has such,' : '';
  return `of the files ${listed(kept)}${linked} are kept; not kept are ${listed(lost)}, and of folders permissions and times, too`;
}

function listed(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`;
}
