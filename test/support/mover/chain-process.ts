import { existsSync } from 'node:fs';
import { peakMemoryMiB } from '../../../bench/peak-memory.js';
import { ChainUnderTest } from '../../../bench/chain-under-test.js';
import { MARK } from './trace-mark.js';

/** A process that does operations of the data mover, on its threads, on one chain in real folders: to be looked at from outside.
 *  Arguments: source folder, target folder, folder to restore to, operations. Before each it looks for a file named after the operation,
 *  which is not there: a mark in a trace of its calls. At the end it prints the most memory that it held, in MiB. */
const [sourceFolder = '', targetFolder = '', restoreFolder = '', ...operations] =
  process.argv.slice(2);
const chain = new ChainUnderTest(sourceFolder, targetFolder);

const OPERATIONS: Record<string, () => Promise<unknown>> = {
  full: copyFull,
  again: copyFull,
  increment: copyIncrement,
  incrementagain: copyIncrement,
  drop: () => chain.keepOldest(1),
  scan: () => chain.copy(1, { kind: 'increment', changedBy: 'digest' }),
  verify: () => chain.verify(),
  synthetic: () => chain.synthesize(),
  merge: () => chain.merge(),
  restore: () => chain.restore('raw', restoreFolder),
};

await chain.open();
for (const operation of operations) {
  existsSync(MARK + operation);
  await OPERATIONS[operation]!();
}
existsSync(`${MARK}end`);
await chain.close();
process.stdout.write(String(await peakMemoryMiB()));

function copyIncrement(): Promise<unknown> {
  return chain.copy(1, { kind: 'increment', changedBy: 'lineage' });
}

function copyFull(): Promise<unknown> {
  return chain.copy(0, { kind: 'full', changedBy: 'all' });
}
