/** Id of a workload that is known only by its folder: `<layout>-<folder>`, a `:` between folder names, `-.` for the root. Different for
 *  every folder, and without `/`, so that it can stand in the id of a workflow. */
export function folderWorkloadId(layout: string, folder: string): string {
  if (folder === '') return `${layout}-.`;
  return `${layout}-${folder.split('/').map(encodeURIComponent).join(':')}`;
}

/** Last part of a folder's path; the layout's name for the root. */
export function folderName(layout: string, folder: string): string {
  return folder === '' ? layout : folder.slice(folder.lastIndexOf('/') + 1);
}
