/** What the storage of a target can and cannot do, as text. */

import type { RepositoryView } from '../../api/repositories/repository-schemas.js';
import type { Growth } from '../../domain/targets/growth.js';
import type { StorageAbilities } from '../../domain/targets/storage-probe.js';
import { formatBytes, formatFields, type DisplayText } from './display-text.js';
import type { ExitName } from '../exit-codes.js';

export function describeStorage(repository: RepositoryView): DisplayText {
  const { storage } = repository;
  const fields: [string, string][] = [
    ['Repository', `${repository.id} (${repository.role})`],
    ['Kind', repository.kind],
    ['Place', repository.place],
    ['Reachable', reachableText(repository)],
  ];
  for (const [name, value] of Object.entries(repository.settings))
    fields.push([`Setting ${name}`, typeof value === 'string' ? value : JSON.stringify(value)]);
  if (repository.markerId !== null) fields.push(['Id', repository.markerId]);
  const { growth } = repository;
  if (growth !== null) fields.push(['Growth', growthText(growth)], ['Full', fullText(growth)]);
  if (storage !== null) {
    const { faults, warnings } = storage;
    fields.push(
      ['Fit as a target', faults.length === 0 ? 'yes' : 'no'],
      ...faults.map((fault): [string, string] => ['Fault', fault]),
      ...warnings.map((warning): [string, string] => ['Warning', warning]),
      ...(storage.abilities === null ? [] : abilityFields(storage.abilities)),
    );
  } else if (repository.reachable) {
    fields.push(['Storage', 'is only read, so nothing was tried']);
  }
  return formatFields(fields);
}

/** In scripts: 0 fit, 8 with a warning, 6 not fit, 5 not reached. */
export function exitOfCheck({ reachable, storage }: RepositoryView): ExitName {
  if (!reachable) return 'unavailable';
  if (storage === null) return 'success';
  if (storage.faults.length > 0) return 'failed';
  return storage.warnings.length > 0 ? 'warning' : 'success';
}

export function reachableText({ reachable, reason, storage }: RepositoryView): string {
  if (!reachable) return `no: ${reason ?? 'unknown'}`;
  return storage === null || storage.faults.length === 0 ? 'yes' : 'yes, but not fit as a target';
}

function growthText({ bytesPerDay, leastBytesPerDay, mostBytesPerDay, samples }: Growth): string {
  const [likely, least, most] = [bytesPerDay, leastBytesPerDay, mostBytesPerDay].map(
    (bytes) => `${bytes < 0 ? '-' : ''}${formatBytes(Math.abs(bytes))}`,
  );
  return `${likely} a day; nine in ten: ${least} to ${most}; from ${samples} days`;
}

function fullText({ fullAt, earliestFullAt, latestFullAt }: Growth): string {
  if (earliestFullAt === null) return 'not within ten years';
  const latest = latestFullAt === null ? 'perhaps never' : dayOf(latestFullAt);
  const likely = fullAt === null ? 'not within ten years' : dayOf(fullAt);
  return `${likely}; ${dayOf(earliestFullAt)} at the earliest, ${latest} at the latest`;
}

function dayOf(instant: string): string {
  return instant.slice(0, 'YYYY-MM-DD'.length);
}

function abilityFields(abilities: StorageAbilities): [string, string][] {
  const can = (is: boolean | null): string => (is === null ? 'unknown' : is ? 'yes' : 'no');
  return [
    ['Reads what it wrote', can(abilities.readAfterWrite)],
    ['Renames over', can(abilities.renameOver)],
    ['Syncs files', can(abilities.fileSync)],
    ['Syncs folders', can(abilities.folderSync)],
    ['Sparse files', can(abilities.sparseFiles)],
    ['Upper and lower case', abilities.caseSensitive ? 'differ' : 'are one'],
    ['Encodings of an accent', abilities.accentSensitive ? 'differ' : 'are one'],
    ['Steps of file times', `${abilities.modifiedTimeStepNs} ns`],
    ['Longest name', `${abilities.longestNameBytes} bytes`],
  ];
}
