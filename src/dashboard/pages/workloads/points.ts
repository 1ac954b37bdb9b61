/** Restore points in the order in which one would take them. */

import type { RestorePointView } from '../../../domain/targets/repository-view.js';
import { sayHealth, type Said } from '../../show/words.js';

/** What is known of a point: whether it is whole, and whether its bytes were compared. */
export function sayPoint({ state, health, verifiedAt, jobId }: RestorePointView): Said {
  if (state === 'inProgress') return { mood: 'attention', word: 'in progress' };
  if (state === 'incomplete') return { mood: 'bad', word: 'incomplete' };
  if (state === 'broken') return { mood: 'bad', word: 'broken' };
  if (state === 'unknown') return { mood: 'unknown', word: 'unknown' };
  if (jobId === null) return { mood: 'unknown', word: 'not checked' };
  if (health === 'good' && verifiedAt === null) return { mood: 'unknown', word: 'never verified' };
  return sayHealth(health);
}

const MOOD_ORDER = ['good', 'unknown', 'attention', 'bad'];

/** Verified and good before unknown before damaged; of equals the newest moment first. */
export function bestFirst(points: readonly RestorePointView[]): RestorePointView[] {
  return [...points].sort(
    (a, b) =>
      MOOD_ORDER.indexOf(sayPoint(a).mood) - MOOD_ORDER.indexOf(sayPoint(b).mood) ||
      Date.parse(b.createdAt) - Date.parse(a.createdAt),
  );
}

export function sizeBytesOf({ files }: Pick<RestorePointView, 'files'>): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** What is said where a list is empty: of what could not be read nobody knows that it is not there. */
export function noPointWords(unreadable: readonly unknown[]): string {
  return unreadable.length === 0
    ? 'It has no restore point there.'
    : 'No restore point of it was seen there, and not everything could be read.';
}

export function noMachineWords(filter: string, unreadable: readonly unknown[]): string {
  const none = `No machine ${filter === '' ? 'has a restore point there' : 'fits'}`;
  return unreadable.length === 0
    ? `${none}.`
    : `${none} as far as was seen: not everything could be read.`;
}

/** Of a restore point that stands in the address of a page. */
export function lostPointWords(unreadable: readonly unknown[]): string {
  return unreadable.length === 0
    ? 'The restore point of this address is not there any more.'
    : 'The restore point of this address was not seen, and not everything could be read.';
}
