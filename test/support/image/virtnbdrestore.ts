import { execFile } from 'node:child_process';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { qemuBytes } from './qemu.js';

const run = promisify(execFile);

/** The disks of a folder of streams as `virtnbdrestore` itself puts them back, by their names (`vda`). libvirt's test driver stands for a
 *  machine: the tool needs a connection, and uses it for nothing here. It takes files in the order of their times, so they get those of
 *  `order`. A machine definition is put there when there is none.
 *  @param imageOf name of the image of a disk in the machine definition */
export async function virtnbdrestore(
  folder: string,
  output: string,
  order: readonly string[],
  imageOf = (disk: string): string => `${disk}.qcow2`,
): Promise<Map<string, Buffer>> {
  const names = await readdir(folder);
  const disks = [...new Set(order.map((name) => name.slice(0, name.indexOf('.'))))];
  if (!names.some((name) => name.startsWith('vmconfig.')))
    await writeFile(join(folder, 'vmconfig.virtnbdbackup.0.xml'), machineOf(disks));
  for (const [second, name] of order.entries())
    await utimes(join(folder, name), 1_700_000_000 + second, 1_700_000_000 + second);
  const socket = join(output, '..', `${process.pid}.nbd`);
  await run('virtnbdrestore', [
    ...['-U', 'test:///default', '-i', folder, '-o', output],
    ...['--noprogress', '-L', `${output}.log`, '-f', socket],
  ]);
  const restored = new Map<string, Buffer>();
  for (const disk of disks) restored.set(disk, await whenClosed(join(output, imageOf(disk))));
  return restored;
}

/** The tool ends before the NBD server that writes for it has let go of the disk. */
async function whenClosed(path: string): Promise<Buffer> {
  for (let attempt = 1; ; attempt++)
    try {
      return await qemuBytes(path, 'qcow2');
    } catch (error) {
      if (attempt === 50 || !String(error).includes('lock')) throw error;
      await setTimeout(100);
    }
}

function machineOf(disks: readonly string[]): string {
  const devices = disks.map(
    (disk) =>
      `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/images/${disk}.qcow2'/><target dev='${disk}'/></disk>`,
  );
  return `<domain type='kvm'><name>m</name><os><type>hvm</type></os><devices>${devices.join('')}</devices></domain>`;
}
