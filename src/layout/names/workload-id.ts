import { idOfAnyDate } from '../../domain/sources/any-date.js';
import { isSegment, joinPath } from '../../repository/repository-path.js';

/** Id of a workload that is known only by its folder: `<layout>-<folder>`, a `:` between folder names, `-.` for the root. Different for
 *  every folder, and without `/`, so that it can stand in the id of a workflow. */
export function folderWorkloadId(layout: string, folder: string): string {
  if (folder === '') return `${layout}-.`;
  return `${layout}-${folder.split('/').map(encodeURIComponent).join(':')}`;
}

/** Under which what lies in folders of dates was listed when each of them was a workload: first the ids that stand for all such dates, as `SourceWorkload.otherIds` has them.
 *  @param places paths from the folder, each as often as it likes */
export function formerIdsOfDates(
  layout: string,
  folder: string,
  places: readonly string[],
): string[] {
  const ids = places.map((place) => folderWorkloadId(layout, joinPath(folder, place)));
  return [...new Set([...ids.map(idOfAnyDate), ...ids])];
}

/** Last part of a folder's path; the layout's name for the root. */
export function folderName(layout: string, folder: string): string {
  return folder === '' ? layout : folder.slice(folder.lastIndexOf('/') + 1);
}

/** Folders of which a workload with this id may be known: the id does not tell where the name of its layout ends. A layout may name something else behind it. */
export function foldersInId(id: string): string[] {
  const parts = id.split('-');
  return parts.slice(1).flatMap((_, index) => {
    const folder = parts.slice(index + 1).join('-');
    if (folder === '.') return [''];
    try {
      const names = folder.split(':').map(decodeURIComponent);
      return names.every(isSegment) ? [names.join('/')] : [];
    } catch {
      return []; // a `%` of something else
    }
  });
}
