import { writeFile } from 'node:fs/promises';
import { programVersion, runProgram } from './commands.js';

const DROP_FILE = '/proc/sys/vm/drop_caches';
const PAGES_AND_NAMES = '3';

/** Whether this process may drop the page cache of the machine; drops it. */
export async function mayDropPageCache(): Promise<boolean> {
  try {
    await dropPageCache([]);
    return true;
  } catch {
    return false;
  }
}

/** Drops the page cache, then starts the programs once: ours is running already, theirs would be read from the disk within the clock. */
export async function dropPageCache(programs: readonly string[]): Promise<void> {
  await runProgram('sync');
  await writeFile(DROP_FILE, PAGES_AND_NAMES);
  for (const program of programs) await programVersion(program);
}
