import type { SourceWorkload } from '../../domain/sources/source-workload.js';
import type { UnrecognisedFiles } from '../../domain/sources/unrecognised.js';
import type { UnseenPart } from '../../domain/sources/unseen-part.js';
import { scanRepository } from '../../layout/scan-repository.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { OWN_FOLDER } from '../../repository/repository-path.js';
import type { MoverContext } from '../task/mover-context.js';

export interface WholeScan {
  readonly sources: readonly SourceWorkload[];
  readonly unseen: readonly UnseenPart[];
  /** Empty for a target: beside the chains there lie files of Longhaul's own. */
  readonly unrecognised: readonly UnrecognisedFiles[];
}

/** The backups of others in a repository, and all that is none of them. */
export async function scanWhole(
  repository: SourceRepository,
  facts: MoverContext['facts'],
): Promise<WholeScan> {
  const unseen: UnseenPart[] = [];
  const unrecognised: UnrecognisedFiles[] = [];
  const isTarget = (await repository.stat(OWN_FOLDER)) !== null;
  const listener = {
    onUnseen: (part: UnseenPart) => unseen.push(part),
    ...(isTarget ? {} : { onUnrecognised: (files: UnrecognisedFiles) => unrecognised.push(files) }),
  };
  return { sources: await scanRepository(repository, listener, facts), unseen, unrecognised };
}
