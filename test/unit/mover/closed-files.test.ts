import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ImageStack } from '../../../src/mover/blocks/image-stack.js';
import type { LayerFile } from '../../../src/mover/blocks/layer-file.js';
import { SourceDigests } from '../../../src/mover/blocks/source-digests.js';
import { FORGETFUL } from '../../../src/layout/file-facts.js';
import { TaskControl } from '../../../src/mover/task/task-control.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'longhaul-closed-'));
  mkdirSync(join(base, 'nas'));
});
afterEach(() => rmSync(base, { recursive: true }));

/** Files below `base` that this process has open. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((number) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${number}`);
      return path.startsWith(base) ? [path] : [];
    } catch {
      return []; // the listing's own
    }
  });
}

it('leaves no digest table open when one of them is damaged or gone', async () => {
  // Header: magic, version 1, SHA-256, units of 65536 with digests of 32 bytes, file of no bytes and no units (docs/FORMAT.md).
  const empty = Buffer.alloc(64);
  empty.write('LHDIGEST', 'latin1');
  [1, 1, 65_536, 32].forEach((value, i) => empty.writeUInt32LE(value, 8 + i * 4));
  writeFileSync(join(base, 'nas', 'good.digests'), empty);
  writeFileSync(join(base, 'nas', 'damaged.digests'), 'LHDIGEST');
  const repository = await openDirectoryRepository({
    ...{ id: 'nas', rootPath: join(base, 'nas') },
    readOnly: true,
  });
  const context = {
    control: new TaskControl(),
    facts: FORGETFUL,
    repository: () => Promise.resolve(repository),
    source: () => Promise.resolve(repository),
  };
  const layer = (name: string): LayerFile => ({
    ...{ repositoryId: 'nas', path: 'disk.qcow2', format: 'qcow2', stamp: null },
    digestsPath: `${name}.digests`,
  });

  // Each is opened when a block of its layer is read.
  const read = (digests: SourceDigests, number: number): Promise<void> =>
    digests.assertGood({} as ImageStack, [{ guestBlock: 0, layer: number, hostOffset: 0 }], () =>
      Buffer.alloc(65_536),
    );
  for (const last of ['damaged', 'gone']) {
    const digests = await SourceDigests.open(context, [layer('good'), layer(last)]);
    await read(digests, 0).catch(() => undefined);
    expect(openFiles()).toHaveLength(1);
    await expect(read(digests, 1)).rejects.toThrow();
    await digests.close();
    expect(openFiles()).toEqual([]);
  }
});
