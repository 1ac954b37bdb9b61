import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { composerOf, imageFormat } from '../../../src/image/formats.js';
import { ImageStack } from '../../../src/mover/blocks/image-stack.js';
import type { LayerFile } from '../../../src/mover/blocks/layer-file.js';
import { ATTACKS } from '../../support/attacks.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import { blockOf, composeDisk } from '../../support/image/composed-disk.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** Whether they ran and passed is asked at the end of each run (`guarantee-reporter.ts`), of the files that it was of. */
it.each([...new Set(ATTACKS.map(({ path }) => path))])('tests of attacks are there: %s', (path) => {
  expect(existsSync(join(ROOT, path))).toBe(true);
});

// A suite that others run is no file of a run: only its text tells that the title is there.
it.each(ATTACKS.filter(({ path }) => !path.endsWith('.test.ts')))(
  'the suite has the test of an attack: $title',
  ({ path, title }) => {
    expect(readFileSync(join(ROOT, path), 'utf8')).toContain(title);
  },
);

describe.each([
  ['vmdk', {}],
  ['vhd', { isFixed: false }],
  ['vhdx', { physicalSectorBytes: 512 }],
])('an increment of %s', (format, dialect) => {
  it('shows nothing through a full of the same name that it was not made on', async () => {
    const source = new SimulatedRepository('primary');
    const virtualSizeBytes = 4 * 1024 * 1024;
    const disk = (seed: string) => ({
      ...{ virtualSizeBytes, dialect, seed: seed.repeat(32) },
      blocks: new Map([[0, blockOf(1)]]),
    });
    const put = async (path: string, { bytes }: MemoryBytes): Promise<LayerFile> => {
      const file = await source.openWrite(path, 'open-or-new');
      await file.write(bytes, 0);
      await file.close();
      return { repositoryId: 'primary', path, format, stamp: (await source.stat(path))!.stamp };
    };
    const full = await composeDisk(composerOf(format), disk('a'));
    const { linkId } = await imageFormat(format).readHead(full);
    const parent = { link: 'full', format, linkId, virtualSizeBytes };
    const child = await put(
      'child',
      await composeDisk(composerOf(format), { ...disk('b'), parent }),
    );
    const context = new InProcessMover(source).context();
    const own = await put('own', full);
    await (await ImageStack.open(context, [child, own])).close();
    const other = await put('other', await composeDisk(composerOf(format), disk('c')));
    await expect(ImageStack.open(context, [child, other])).rejects.toMatchObject({
      code: 'IMAGE_BACKING_REFUSED',
    });
  });
});

it('a qcow2 image is read whatever its counts of references say', async () => {
  const blocks = new Map([[3, blockOf(3)]]);
  const shape = { virtualSizeBytes: 1024 * 1024, dialect: {}, blocks };
  const { bytes } = await composeDisk(composerOf('qcow2'), shape);
  const counts = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(48))));
  bytes.fill(0, counts, counts + 65_536);
  const image = await imageFormat('qcow2').open(new MemoryBytes(bytes));
  const seen = Buffer.alloc(65_536);
  await image.read(seen, 3 * 65_536, null);
  expect(seen.equals(blockOf(3))).toBe(true);
});
