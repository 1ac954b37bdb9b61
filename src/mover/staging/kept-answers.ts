import { stagingFolder } from '../../chain/chain-paths.js';
import type { BackupRepository, SourceRepository } from '../../repository/backup-repository.js';
import { readStagedJson, stagedPath, writeStagedJson } from './copy-plan.js';

/** Answers of the owner of a chain that a repeat could not find again, because what they tell of is gone by then. A step keeps its answer before it does
 *  that; a repeat reads it, does the rest, and answers the same. They may be lost at any time: then less is told. */
interface KeptAnswer<T> {
  /** Names the call: a repeat has the same. */
  readonly token: string;
  readonly answer?: T;
}

/** null: no attempt at this call has kept any. */
export async function keptAnswer<T>(
  repository: SourceRepository,
  chain: string,
  step: string,
  token: string,
): Promise<T | null> {
  const kept = await keptBy<T>(repository, chain, step);
  return kept?.token === token ? (kept.answer ?? null) : null;
}

/** Whatever call has kept it; null: none has. */
export async function keptBy<T>(
  repository: SourceRepository,
  chain: string,
  step: string,
): Promise<KeptAnswer<T> | null> {
  return readStagedJson<KeptAnswer<T>>(repository, stagedPath.plan(stagingFolder(chain, step)));
}

/** Instead of the one that the step has kept before. Durable when it returns. */
export async function keepAnswer<T>(
  repository: BackupRepository,
  chain: string,
  step: string,
  kept: Required<KeptAnswer<T>>,
): Promise<void> {
  const staging = stagingFolder(chain, step);
  await repository.makePlace(staging);
  await writeStagedJson(repository, stagedPath.plan(staging), kept);
}
