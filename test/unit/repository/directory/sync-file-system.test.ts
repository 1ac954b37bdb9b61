import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  openSyncOfFileSystem,
  programsFor,
  tellsFailedWrites,
  type Program,
} from '../../../../src/repository/directory/sync-file-system.js';

/** syncfs(2), VERSIONS: from Linux 5.8 on it reports what could not be written. */
it.each([
  ['3.10.0-1160.el7.x86_64', false],
  ['4.18.0-553.el8_10.x86_64', false],
  ['5.4.0-200-generic', false],
  ['5.7.19', false],
  ['5.8.0', true],
  ['5.10.0-32-amd64', true],
  ['6.1.0-37-amd64', true],
  ['10.0.1', true],
  ['', false],
])('a sync of a whole file system by Linux %s tells of failed writes: %s', (kernel, expected) => {
  expect(tellsFailedWrites(kernel)).toBe(expected);
});

describe('a sync of a whole file system', () => {
  const calls = { open: (path: string, flags: number) => open(path, flags) };
  const opened = async (options: { kernel?: string; programs?: readonly Program[] }) => {
    const path = mkdtempSync(join(tmpdir(), 'longhaul-sync-'));
    onTestFinished(() => rmSync(path, { recursive: true }));
    const sync = await openSyncOfFileSystem(calls, path, options);
    onTestFinished(() => sync?.close());
    return sync;
  };

  it('is not to be had where the kernel does not tell whether it worked', async () => {
    expect(await opened({ kernel: '5.7.19' })).toBeNull();
    expect(await opened({ kernel: '6.1.0' })).not.toBeNull();
  });

  it.each(programsFor(process.arch).map((program) => [program[0], program] as const))(
    'is done by %s',
    async (_name, program) => {
      const sync = await opened({ programs: [program] });
      expect(await sync?.sync()).toBe(true);
    },
  );

  it('takes the next program where one is not there or may not make the call', async () => {
    const eperm: Program = ['sh', '-c', 'exit 1'];
    const programs = [['no-such-program'] as const, eperm, ['true'] as const];
    expect(await (await opened({ programs }))?.sync()).toBe(true);
  });

  it('failed where there is no program, and is not to be had from then on', async () => {
    const programs = [['no-program-either'] as const];
    expect(await (await opened({ programs }))?.sync()).toBe(false);
    expect(await opened({ programs })).toBeNull();
  });

  it('failed where the disk did, and is asked for again next time', async () => {
    const eio: Program = ['bash', '-c', 'exit 5'];
    expect(await (await opened({ programs: [eio] }))?.sync()).toBe(false);
    expect(await opened({ programs: [eio] })).not.toBeNull();
  });
});
