import type { TreeRules } from '../../domain/trees/tree-rules.js';
import type { Claim, FolderNames } from '../backup-layout.js';

/** What the stores of backup tools have in common: files appear under their names when they are whole, what one refers to was there before it, and
 *  what is removed was referred to by nothing any more. */
export const STORE_RULES: Omit<TreeRules, 'classes' | 'ignored' | 'digestInName'> = {
  shape: 'store',
  openFilesWaitMs: 0,
  keepRemovedForDays: 7,
  suspiciousShare: 0.5,
  keeps: { modes: true, times: true, links: false },
};

/** Of files of which all counts (`FileClass.opensStore`). */
export function wholeText(_path: string, bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** The whole folder, whatever else lies in it. */
export function wholeFolder({ files, folders }: FolderNames): Claim {
  return { files, folders };
}

export function pathIn(folder: string, ...names: readonly string[]): string {
  return [...(folder === '' ? [] : [folder]), ...names].join('/');
}
