/** Lines that restore a copied tree without Longhaul: its own tool is pointed at the copy, which it does not change. */

import type { RestorePointView } from '../../../domain/targets/repository-view.js';
import type { WorkloadTypeView } from '../../../domain/sources/workload-rules.js';
import { shellWord } from '../../show/format.js';

/** What has no tool of its own is copied back as it is. */
const AS_IT_IS = ['cp -a {files}/. restored/'];

/** @param repositoryPath folder of the repository on the machine of its worker
 *  @param lines `linesInPlace` of the type of the workload */
export function treeToolLines(
  repositoryPath: string,
  { source, files }: Pick<RestorePointView, 'source' | 'files'>,
  lines: WorkloadTypeView['linesInPlace'],
): string[] {
  const folder = shellWord(`${repositoryPath.replace(/\/$/, '')}/${files[0]?.path ?? ''}`);
  const id = shellWord(source?.restorePointId ?? 'POINT');
  return (lines.length === 0 ? AS_IT_IS : lines).map((line) =>
    line.replaceAll(/\{(files|id)\}/g, (_, name) => (name === 'id' ? id : folder)),
  );
}

/** A copied tree has one entry, which is no disk. */
export function isTree({ files }: Pick<RestorePointView, 'files'>): boolean {
  return files.some(({ format }) => format === 'tree');
}
