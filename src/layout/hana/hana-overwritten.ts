import type { TreeRules } from '../../domain/trees/tree-rules.js';
import { isTooSmall, tooSmallText } from '../trees/database-rules.js';
import { fullBefore, OPERATOR_AGREES } from '../trees/overwritten.js';
import { parseHanaName } from './hana-names.js';
import { lastName } from '../../repository/repository-path.js';

/** A full under a prefix that is used again lies where the one before it lay. All files of one that was killed are there, and a catalogue behind it: that of the
 *  next logs. Their sizes have the catalogue that travels with each, which is small beside the data. */
export const doubtOfNext: NonNullable<TreeRules['doubtOfNext']> = (next, before) => {
  const [own, others] = [dataFiles(next.files), dataFiles(before.files)];
  if (![...own.keys()].some((path) => others.has(path))) return null;
  const volumes = new Set(own.values());
  const full = fullBefore(before.createdAt);
  const lacking = [...others.values()].find((volume) => !volumes.has(volume));
  if (lacking !== undefined)
    return `volume ${lacking}, which is in ${full}, is not there; ${WAY_OUT}`;
  const isDoubtful = isTooSmall(next.sizeBytes ?? Infinity, before.sizeBytes ?? 0);
  return isDoubtful ? `${tooSmallText(full)}; ${WAY_OUT}` : null;
};

const WAY_OUT = `it takes the place of that one when a delta builds on it, or ${OPERATOR_AGREES}`;

/** Volumes by paths. */
function dataFiles(paths: readonly string[] | null): Map<string, number> {
  return new Map(
    (paths ?? []).flatMap((path): [string, number][] => {
      const name = parseHanaName(lastName(path));
      return name?.is === 'data' && name.volume > 0 ? [[path, name.volume]] : [];
    }),
  );
}
