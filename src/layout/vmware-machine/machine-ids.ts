import { placesOf } from '../names/dated-folders.js';
import { folderWorkloadId } from '../names/workload-id.js';

/** @param stem of the name of its definition */
export function machineId(place: string, stem: string): string {
  return `${folderWorkloadId('vmware', place)}:${encodeURIComponent(stem)}`;
}

/** In any place that its folder may be. */
export function machineIds(folder: string, stem: string): string[] {
  return placesOf(folder).map((place) => machineId(place, stem));
}
