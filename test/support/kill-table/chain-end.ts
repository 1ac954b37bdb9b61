import { isDeepStrictEqual } from 'node:util';
import { QUARANTINE_FOLDER } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { SourceRepository } from '../../../src/repository/backup-repository.js';
import { fileDigest, type ChainUnderTest } from './read-points.js';

/** Ids of points. */
export interface ChainEnd {
  readonly shown: readonly string[];
  readonly quarantined: readonly string[];
}

/** Whether the points that are named are shown at the end, set aside, and marked as corrupt, and no others. */
export async function faultsOfEnd(
  target: SourceRepository,
  { chain, corrupt }: ChainUnderTest,
  end: ChainEnd | undefined,
  shown: readonly string[],
): Promise<string[]> {
  if (end === undefined) return [];
  const record = await readChainRecord(target, chain);
  const marked = record?.points.filter(({ health }) => health === 'corrupt') ?? [];
  const folders = await target.list(`${chain}/${QUARANTINE_FOLDER}`);
  const found = {
    shown,
    marked: marked.map(({ id }) => id),
    quarantined: folders.map(({ name }) => name.replace(/-corrupt-\d+$/, '')),
  };
  const expected = { ...end, marked: corrupt.filter((id) => end.shown.includes(id)) };
  return isDeepStrictEqual(found, expected) ? [] : [`ends with ${JSON.stringify(found)}`];
}

/** The commit record without what differs from session to session. */
export async function chainAsText(target: SourceRepository, chain: string): Promise<string> {
  const record = await readChainRecord(target, chain).catch(() => null);
  if (record === null) return 'missing';
  const points = record.points.map(
    ({ id, kind, parentId, chainId, state, health, flags, disks, companions }) => {
      const files = disks.map((disk) => [disk.path, disk.kind]);
      return [id, kind, parentId, chainId, state, health, flags, files, companions.length];
    },
  );
  return JSON.stringify({ points, pending: record.pending });
}

/** A disk of the scenarios in any format: a VHDX keeps whole blocks of 1 MiB. */
const MAX_DISK_BYTES = 64 << 20;

/** Paths, sorted. In the quarantine they go without the number of the record, which sessions more make higher, and with their digests. */
export async function filesBelow(target: SourceRepository, folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const { type, path } of await target.list(folder))
    if (type === 'folder') files.push(...(await filesBelow(target, path)));
    else if (!path.includes(`/${QUARANTINE_FOLDER}/`)) files.push(path);
    else
      files.push(
        `${path.replace(/-corrupt-\d+\//, '-corrupt/')} ${(await fileDigest(target, path, MAX_DISK_BYTES)) ?? ''}`,
      );
  return files.sort();
}

/** `list` after each member of `other` was taken from it once. */
export function without(list: readonly string[], other: readonly string[]): string[] {
  const rest = [...other];
  return list.filter((member) => {
    const index = rest.indexOf(member);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
}
