import { resolve } from 'node:path';
import type { RepositoryEntry } from '../backup-repository.js';
import type { FileCalls } from '../file-calls.js';
import type { OpenFolder } from './open-folder.js';

/** Entries of a folder, links out of the repository marked as such (`RepositoryEntry.leadsOut`) by what they say, which is not followed: where one leads to another
 *  link within the repository, that is listed itself.
 *  @param place of the root, absolute, without links; undefined: nobody knows it, and nothing is marked */
export async function withLinksOut(
  calls: Pick<FileCalls, 'readLink'>,
  open: OpenFolder,
  place: string | undefined,
  entries: RepositoryEntry[],
): Promise<RepositoryEntry[]> {
  if (entries.every(({ type }) => type !== 'other')) return entries;
  const shown: RepositoryEntry[] = [];
  for (const entry of entries) {
    const mayBeLink = entry.type === 'other' && entry.unaddressable === undefined;
    const isOut = mayBeLink && place !== undefined && (await leadsOut(calls, open, place, entry));
    shown.push(isOut ? { ...entry, leadsOut: true } : entry);
  }
  return shown;
}

async function leadsOut(
  calls: Pick<FileCalls, 'readLink'>,
  open: OpenFolder,
  place: string,
  { name, path }: RepositoryEntry,
): Promise<boolean> {
  // A name that no path may have, a device, a pipe, or one that went away.
  const says = name.includes('\\') ? null : await calls.readLink(open.at(name)).catch(() => null);
  if (says === null) return false;
  const leadsTo = resolve(place, path, '..', says);
  return leadsTo !== place && !leadsTo.startsWith(place === '/' ? place : `${place}/`);
}
