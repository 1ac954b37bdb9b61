import { existsSync } from 'node:fs';
import { peakMemoryMiB } from '../../../bench/peak-memory.js';
import { ChainUnderTest } from '../../../bench/chain-under-test.js';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { availablePoints } from '../../../src/chain/chain-record.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { DataMover } from '../../../src/mover/data-mover.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { TaskControl } from '../../../src/mover/task/task-control.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { MARK } from './traced-chain.js';

/** A process that does operations of the data mover, on its threads, on one chain in real folders: to be looked at from outside.
 *  Arguments: source folder, target folder, folder to restore to, operations. Before each it looks for a file named after the operation,
 *  which is not there: a mark in a trace of its calls. At the end it prints the most memory that it held, in MiB. */
const [sourceFolder = '', targetFolder = '', restoreFolder = '', ...operations] =
  process.argv.slice(2);
const chain = new ChainUnderTest(sourceFolder, targetFolder);

const OPERATIONS: Record<string, () => Promise<unknown>> = {
  full: copyFull,
  again: copyFull,
  increment: () => chain.copy(1, { algorithm: 'increment', changedBy: 'lineage' }),
  scan: () => chain.copy(1, { algorithm: 'increment', changedBy: 'digest' }),
  verify: () => chain.verify(),
  synthetic: () => chain.synthesize(),
  merge: () => chain.merge(),
  restore: () => restoreRaw(),
};

await chain.open();
for (const operation of operations) {
  existsSync(MARK + operation);
  await OPERATIONS[operation]!();
}
existsSync(`${MARK}end`);
await chain.close();
process.stdout.write(String(await peakMemoryMiB()));

function copyFull(): Promise<unknown> {
  return chain.copy(0, { algorithm: 'full', changedBy: 'all' });
}

async function restoreRaw(): Promise<void> {
  const mover = new DataMover([
    { id: 'source', kind: 'directory', path: sourceFolder, isReadOnly: true },
    { id: 'target', kind: 'directory', path: targetFolder, isReadOnly: false },
  ]);
  const [workload] = await listSourceWorkloads(await mover.repository('source'));
  const folder = chainFolder('bench', workload!.id);
  const record = await readChainRecord(await mover.repository('target'), folder);
  const pointId = availablePoints(record!).at(-1)!.id;
  const input = {
    ...{ repositoryId: 'target', chain: folder, pointId, destinationPath: restoreFolder },
    ...{ format: 'raw' as const, disks: null, intoExisting: false },
    ...{ leaseId: 'lease', nowMs: Date.now() },
  };
  const { reference, disks } = await mover.run('prepareRestore', input, new TaskControl());
  const place = {
    targetRepositoryId: folderRepositoryId(restoreFolder),
    staging: `.longhaul-restore-${pointId}`,
    reference,
  };
  for (const { disk, windowCount } of disks) {
    const windows = Array.from({ length: windowCount }, (_, i) => i);
    await mover.runWindows('restoreRaw', { ...place, disk }, windows, new TaskControl());
  }
  await mover.run('finishRestore', input, new TaskControl());
  await mover.close();
}
