import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { scanRepository } from '../../../src/layout/scan-repository.js';
import { classOf, type TreeRules } from '../../../src/domain/trees/tree-rules.js';
import type { SourceRepository } from '../../../src/repository/backup-repository.js';

/** What a test says of the trees that a scan finds: id, type, the point of each with its moment and state. */
export async function shownTrees(repository: SourceRepository) {
  return (await scanRepository(repository)).map(({ id, name, type, tree }) => ({
    ...{ id, name, type, root: tree?.root, within: tree?.within },
    points: tree?.points.map((point) => [
      point.id,
      new Date(point.createdAtMs).toISOString(),
      point.reason === null ? point.state : `${point.state}: ${point.reason}`,
    ]),
  }));
}

/** Name of the class that takes a file, `ignored`, or `-` for what is named and not copied. */
export function className(rules: TreeRules, path: string): string {
  if (rules.ignored?.test(path) === true) return 'ignored';
  const index = classOf(rules, path);
  return index === null ? '-' : rules.classes[index]!.name;
}

/** Unpacks a `.tar.zst` with its times. */
export async function unpack(archive: string, folder: string): Promise<void> {
  await promisify(execFile)('tar', ['--zstd', '-xf', archive, '-C', folder]);
}
