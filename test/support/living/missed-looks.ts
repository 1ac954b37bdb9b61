import { readChainRecord, writeChainRecord } from '../../../src/chain/chain-store.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';

const DAY_MS = 86_400_000;

/** The record of a chain as if the sessions of the four days before `nowMs` had looked for its workload in vain. */
export async function missForDays(
  target: BackupRepository,
  chain: string,
  nowMs: number,
): Promise<void> {
  const daysAgo = (days: number) => new Date(nowMs - days * DAY_MS).toISOString();
  const record = (await readChainRecord(target, chain))!;
  const absence = {
    firstMissedAt: daysAgo(4),
    lastMissedAt: daysAgo(1),
    missedDays: 4,
    provenMs: 3 * DAY_MS,
    lastSpanMs: DAY_MS,
    announcedAt: daysAgo(4),
  };
  const presence = { lastSeenAt: daysAgo(5), absence };
  await writeChainRecord(target, chain, { ...record, presence });
}
