import { gravestFault, incomplete, type PointFault } from '../point-fault.js';
import type { TreeFile } from '../trees/tree-files.js';
import type { Medium } from './medium.js';
import { parseMssqlName } from './mssql-names.js';
import { MAX_FILES_OF_SET } from './mtf.js';

/** The files of each set that their names tell to be striped together, by number; every other file by itself. */
export function byStripe(files: readonly TreeFile[]): TreeFile[][] {
  const sets = new Map<string, { number: number; file: TreeFile }[]>();
  for (const file of files) {
    const stripe = parseMssqlName(file.name)?.stripe ?? null;
    const key = stripe === null ? file.within : `${folderOf(file)}${stripe.of}`;
    const number = stripe?.number ?? 0;
    sets.set(key, [...(sets.get(key) ?? []), { number, file }]);
  }
  return [...sets.values()].map((set) =>
    set.sort((a, b) => a.number - b.number).map(({ file }) => file),
  );
}

/** How many there are is not known; that numbers are missing between them is. */
export function missingNumbers(files: readonly TreeFile[]): PointFault[] {
  const numbers = files.flatMap(({ name }) => parseMssqlName(name)?.stripe?.number ?? []);
  const last = Math.max(0, ...numbers);
  if (last > MAX_FILES_OF_SET) return [incomplete(`its files are numbered up to ${last}`).fault];
  const missing = Array.from({ length: Math.max(last, numbers.length > 0 ? 2 : 0) })
    .map((_, index) => index + 1)
    .filter((number) => !numbers.includes(number));
  if (missing.length === 0) return [];
  return [incomplete(`it is striped, and file ${missing.join(', ')} is missing`).fault];
}

/** Files of one folder whose heads have the id of one media set and count others beside themselves are one medium, whatever they are called. One of which
 *  there are fewer than the head counts is worth nothing alone. */
export function joinStripes(media: readonly Medium[]): Medium[] {
  const joined = new Map<string, Medium>();
  for (const medium of media) {
    const { mediaSet, fileCount } = medium;
    const isAlone = mediaSet === undefined || (fileCount ?? 1) < 2;
    const key = isAlone ? `file ${medium.id}` : `set ${mediaSet} ${folderOf(medium.files[0]!)}`;
    const known = joined.get(key);
    joined.set(key, known === undefined ? medium : { ...known, ...together(known, medium) });
  }
  return [...joined.values()].map(counted);
}

function together(one: Medium, other: Medium): Partial<Medium> {
  const [first, second] = one.id < other.id ? [one, other] : [other, one];
  const faults = [one, other].flatMap(({ fault }) => fault ?? []);
  return {
    ...{ id: first.id, name: first.name, files: [...one.files, ...other.files] },
    sets: first.sets.length > 0 ? first.sets : second.sets,
    ...(one.packed === undefined && other.packed !== undefined ? { packed: other.packed } : {}),
    fault: gravestFault(faults),
    isSealed: one.isSealed && other.isSealed,
    fileCount: Math.max(one.fileCount ?? 1, other.fileCount ?? 1),
  };
}

function counted(medium: Medium): Medium {
  const { fileCount, files, fault } = medium;
  if (fileCount === null || fileCount <= files.length) return medium;
  const here = files.length === 1 ? 'one is' : `${files.length} are`;
  const reason = `its head counts ${fileCount} files, of which ${here} in this folder: a stripe is missing, or lies elsewhere, and the stripes of a set belong into one folder`;
  return { ...medium, fault: gravestFault([...(fault ? [fault] : []), incomplete(reason).fault]) };
}

function folderOf({ within, name }: TreeFile): string {
  return within.slice(0, -name.length);
}
