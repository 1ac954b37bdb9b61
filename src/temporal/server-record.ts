import { readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { ProcessIdentity } from './process-identity.js';
import { parseProcessIdentity } from './process-identity.js';

export const LOOPBACK = '127.0.0.1';
const RECORD_FILE = 'temporal-server.json';

/** What the state directory remembers of its embedded Temporal server: the ports, so that they stay the same, and the
 *  process, so that one left over from a killed parent can be found. */
export interface ServerRecord {
  readonly port: number;
  readonly uiPort: number;
  readonly process: ProcessIdentity | null;
}

/** null: no server was ever started here, or the file is not one of ours. */
export async function readServerRecord(stateDirectory: string): Promise<ServerRecord | null> {
  try {
    const parsed: unknown = JSON.parse(await readFile(join(stateDirectory, RECORD_FILE), 'utf8'));
    if (typeof parsed !== 'object' || parsed === null) return null;
    const { port, uiPort, process } = parsed as Record<string, unknown>;
    if (!isPort(port) || !isPort(uiPort)) return null;
    return { port, uiPort, process: parseProcessIdentity(process) };
  } catch {
    return null;
  }
}

/** Replaces the record atomically. */
export async function writeServerRecord(
  stateDirectory: string,
  record: ServerRecord,
): Promise<void> {
  const path = join(stateDirectory, RECORD_FILE);
  await writeFile(`${path}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** The configured port as it is; for 0 the remembered one while it is free, else a free one. */
export async function choosePort(configured: number, remembered: number | null): Promise<number> {
  if (configured !== 0) return configured;
  if (remembered !== null && (await whyNotFree(remembered)) === null) return remembered;
  const free = await listenOnce(0);
  if (typeof free === 'string') throw new Error(`the system has no free loopback port: ${free}`);
  return free;
}

/** null: it can be listened on; otherwise why not. */
export async function whyNotFree(port: number): Promise<string | null> {
  const listened = await listenOnce(port);
  return typeof listened === 'string' ? listened : null;
}

/** Port that could be listened on (0: any), or why it could not. */
function listenOnce(port: number): Promise<number | string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code, message }: NodeJS.ErrnoException) =>
      resolve(code === 'EADDRINUSE' ? 'the port is in use' : message),
    );
    server.listen(port, LOOPBACK, () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 'no address'),
      );
    });
  });
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536;
}
