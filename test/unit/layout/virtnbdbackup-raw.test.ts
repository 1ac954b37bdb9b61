import { mkdir, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { virtnbdbackupLayout } from '../../../src/layout/virtnbdbackup/virtnbdbackup.js';
import { streamFile } from '../../support/image/stream-file.js';
import { copyToRepository } from '../../support/layout/repository-copy.js';
import { scanWith } from '../../support/layout/scan-with.js';

const disk = (name: string) => ({ virtualSize: 65_536, frames: [], disk: name });

// `--type raw`: backupDisk makes the file as long as the disk, under the name of a stream.
it('a disk that was saved raw is that, where the tool has noted its size', async () => {
  const copy = await copyToRepository(null);
  await mkdir(copy.at('once'));
  const device = "<disk device='disk'><driver type='qcow2'/><target dev='vda'/></disk>";
  const definition = `<domain><name>m</name><devices>${device}</devices></domain>`;
  await writeFile(copy.at('once/vmconfig.virtnbdbackup.0.xml'), definition);
  await writeFile(copy.at('once/vda.full.data'), Buffer.alloc(65_536, 9));
  const points = async () =>
    (await scanWith(virtnbdbackupLayout, copy.repository)).flatMap((one) => one.restorePoints);
  const now = async () => (await points())[0]!;
  expect([(await now()).state, (await now()).reason]).toEqual([
    'incomplete',
    'once/vda.full.data: is no stream of virtnbdbackup; of a disk that was saved with --type raw the tool notes the size (vda.<run>.qcow.json), which is not there',
  ]);
  const note = (size: number) =>
    writeFile(
      copy.at('once/vda.virtnbdbackup.0.qcow.json'),
      JSON.stringify({ children: [{ info: { 'virtual-size': 4096 } }], 'virtual-size': size }),
    );
  await note(131_072);
  expect((await now()).reason).toMatch(/65536 bytes are there of 131072/);
  await note(65_536);
  expect(await now()).toMatchObject({
    ...{ state: 'complete', kind: 'full' },
    disks: [{ disk: 'vda', format: 'raw', as: 'vda.full.data' }],
  });
  // Increments of one are none that the tool restores.
  const options = { parent: 'virtnbdbackup.0', checkpoint: 'virtnbdbackup.1' };
  const increment = streamFile({ ...disk('vda'), ...options, date: '2026-11-25T08:00:00' });
  await writeFile(copy.at('once/vda.inc.virtnbdbackup.1.data'), increment);
  await writeFile(copy.at('once/vmconfig.virtnbdbackup.1.xml'), definition);
  const after = (await points()).map(({ state, reason }) => [state, reason]);
  expect(after).toEqual([
    ['complete', null],
    ['broken', expect.stringMatching(/builds on a full of vda that was saved with --type raw/)],
  ]);
  // What begins as a stream is one that was cut off, whatever its length.
  const cut = Buffer.alloc(65_536);
  streamFile({ ...disk('vda'), frames: [] }).copy(cut);
  await writeFile(copy.at('once/vda.full.data'), cut);
  expect((await now()).state).toBe('incomplete');
});
