import type { FormatId } from '../../domain/sources/source-workload.js';

/** Formats of what programs pack around a file, by the ending that they give it. Such a file travels as it is, whatever is in it. */
export const PACKERS: Readonly<Record<string, FormatId>> = {
  ...{ gz: 'gzip', zst: 'zstd', lz4: 'lz4', lzo: 'lzop', xz: 'xz', bz2: 'bzip2' },
};

/** Of these endings and of each of them packed. */
export function orPacked(formats: Readonly<Record<string, FormatId>>): Record<string, FormatId> {
  return { ...formats, ...packed(Object.keys(formats)) };
}

/** Of each of these endings packed. */
export function packed(endings: readonly string[]): Record<string, FormatId> {
  const all: Record<string, FormatId> = {};
  for (const ending of endings)
    for (const [suffix, format] of Object.entries(PACKERS)) all[`${ending}.${suffix}`] = format;
  return all;
}
