/** Places of a source of which nothing is copied, because nothing that lies there is a workload. They stand beside the count of those that are. Pure. */

import type { CopyJob } from '../jobs/copy-job.js';
import { excludedBy, type NamedWorkload } from '../jobs/source-scope.js';
import { unrecognisedReason, type UnrecognisedFiles } from '../sources/unrecognised.js';
import { unseenReason, type UnseenPart } from '../sources/unseen-part.js';
import { cut, jsonBytes } from '../sessions/task-brief.js';
import { namesText } from './problem-groups.js';

/** Plain JSON. */
interface UncopiedPlace {
  /** As a list of workloads shows it, so that a job can exclude it by either. */
  readonly id: string;
  readonly name: string;
  /** Files of no known layout that lie there; null: nobody has looked, because its name cannot be part of a path. */
  readonly fileCount: number | null;
  /** They are backups of another tool, as it seems. */
  readonly isBackup: boolean;
  /** One plain sentence without its end. */
  readonly reason: string;
  /** It could not be read, and what lies there may be workloads. Absent: that is not so. */
  readonly isUnread?: true;
}

export interface UncopiedPlaces {
  readonly places: readonly UncopiedPlace[];
  /** How many there are beside them. */
  readonly omittedCount: number;
}

export const NOTHING_UNCOPIED: UncopiedPlaces = { places: [], omittedCount: 0 };

/** In a page of at most 2 MiB that has a megabyte of others. */
const MOST_BYTES = 300_000;
const REASON_CHARACTERS = 400;

/** Those whose names cannot be read come first, then what looks like backups. A target inside of a source holds copies: that is no fault. */
export function uncopiedPlaces(
  unseen: readonly UnseenPart[],
  unrecognised: readonly UnrecognisedFiles[],
): UncopiedPlaces {
  const all = [
    ...unseen.filter(({ code }) => code !== 'SOURCE_HOLDS_TARGET').map(unseenPlace),
    ...unrecognised
      .toSorted((a, b) => Number(b.tool !== undefined) - Number(a.tool !== undefined))
      .map(unrecognisedPlace),
  ];
  let bytes = 0;
  const end = all.findIndex((place) => (bytes += jsonBytes(place)) > MOST_BYTES);
  const places = end < 0 ? all : all.slice(0, end);
  return { places, omittedCount: all.length - places.length };
}

function unseenPlace(part: UnseenPart): UncopiedPlace {
  const { path } = part;
  const reason = cut(unseenReason(part), REASON_CHARACTERS);
  const place = { id: path, name: path, fileCount: null, isBackup: false, reason };
  return part.code === 'SOURCE_PART_UNREADABLE' ? { ...place, isUnread: true } : place;
}

/** Its id in lists of workloads, where a workload may have the name of the same folder. */
export function unrecognisedId({ folder }: UnrecognisedFiles): string {
  return `unrecognised:${folder}`;
}

function unrecognisedPlace(files: UnrecognisedFiles): UncopiedPlace {
  const { folder, fileCount, tool } = files;
  const reason = cut(unrecognisedReason(files), REASON_CHARACTERS);
  return {
    ...{ id: unrecognisedId(files), name: folder },
    ...{ fileCount, isBackup: tool !== undefined, reason },
  };
}

/** A place of a repository. */
export interface WatchedPlace extends UncopiedPlace {
  readonly repositoryId: string;
}

export interface WatchedPlaces {
  readonly places: readonly WatchedPlace[];
  readonly omittedCount: number;
}

/** Those of which something is to be copied, as of workloads: of every repository that is no target, and of targets from which a job copies; but for what a
 *  job of the repository excludes. The graver ones come first. */
export function watchedPlaces(
  repositories: readonly {
    readonly id: string;
    readonly role: 'primary' | 'target' | 'external';
    readonly uncopied: UncopiedPlaces;
  }[],
  jobs: readonly Pick<CopyJob, 'sources'>[],
): WatchedPlaces {
  const places: WatchedPlace[] = [];
  let omittedCount = 0;
  for (const { id: repositoryId, role, uncopied } of repositories) {
    if (uncopied.places.length === 0) continue;
    const own = jobs.filter(({ sources }) =>
      sources.include.some((source) => source.repositoryId === repositoryId),
    );
    if (role === 'target' && own.length === 0) continue;
    const exclusions = own.map(({ sources }) => excludedBy(sources.exclude));
    const isExcluded = (place: NamedWorkload) => exclusions.some((excludes) => excludes(place));
    const wanted = uncopied.places.filter((place) => !isExcluded(place));
    places.push(...wanted.map((place) => ({ ...place, repositoryId })));
    omittedCount += uncopied.omittedCount;
  }
  places.sort((a, b) => Number(isGrave(b)) - Number(isGrave(a)));
  return { places, omittedCount };
}

/** Whether something that is to be copied is not, as far as can be told. Other files may be anything: a note, a script. */
export function isGrave({ fileCount, isBackup }: UncopiedPlace): boolean {
  return fileCount === null || isBackup;
}

/** `primary/caf\xe9, 3 files in primary/old and 2 more`. null: there is none. */
export function placesText({ places, omittedCount }: WatchedPlaces): string | null {
  if (places.length === 0) return null;
  const omitted = Array.from({ length: omittedCount }, () => '');
  return namesText([...places.map(placeText), ...omitted]);
}

function placeText({ repositoryId, name, fileCount }: WatchedPlace): string {
  const place = name === '.' ? repositoryId : `${repositoryId}/${name}`;
  if (fileCount === null) return place;
  return `${String(fileCount)} ${fileCount === 1 ? 'file' : 'files'} in ${place}`;
}
