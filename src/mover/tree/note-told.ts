import { readTreeRecord, writeTreeRecord } from '../../tree/tree-store.js';
import type { MoverContext } from '../task/mover-context.js';
import type { TreePlace } from './tree-plan.js';

interface NoteToldInput extends TreePlace {
  /** Whose answers they are. */
  readonly owner: string;
  /** Of its commit, and with it what runs before had left. */
  readonly hasCommit: boolean;
  readonly hasRemoval: boolean;
}

/** Drops what the record keeps until it was told. Nothing is done where another one owns the tree by now: it tells it again. */
export async function noteTold(
  context: MoverContext,
  { targetRepositoryId, chain, owner, hasCommit, hasRemoval }: NoteToldInput,
): Promise<void> {
  const target = await context.repository(targetRepositoryId);
  const record = await readTreeRecord(target, chain);
  if (record === null || record.owner !== owner) return;
  const { removed, committed, untold, untoldWork, ...rest } = record;
  const told = [
    ...(hasCommit ? [committed, untold, untoldWork] : []),
    ...(hasRemoval ? [removed] : []),
  ];
  if (told.every((part) => part === undefined)) return;
  await writeTreeRecord(target, chain, {
    ...rest,
    ...(hasRemoval || removed === undefined ? {} : { removed }),
    ...(hasCommit || committed === undefined ? {} : { committed }),
    ...(hasCommit || untold === undefined ? {} : { untold }),
    ...(hasCommit || untoldWork === undefined ? {} : { untoldWork }),
  });
}
