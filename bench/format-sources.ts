import { mkdir, open, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { outputOf, runProgram } from './commands.js';
import type { SourceChain } from './source-chains.js';
import { writeArchive } from './vma-archive.js';

/** Folders with one machine each, as another tool than oVirt's leaves it: what two images show is its first and its second backup. */
export const FORMAT_SOURCES = {
  vmdk: ghettoVcbRuns,
  vhdx: hyperVExports,
  vhd: datedFiles('vhd', '-O', 'vpc', '-o', 'subformat=dynamic,force_size=on'),
  raw: datedFiles('raw', '-O', 'raw'),
  virtnbd: virtnbdbackupChain,
  'vmdk-stream': datedFiles('vmdk', '-O', 'vmdk', '-o', 'subformat=streamOptimized'),
  ova: datedPackages,
  vma: datedArchives,
} as const;

const DAYS = [new Date('2026-11-01T01:00:00Z'), new Date('2026-11-02T01:00:00Z')] as const;

/** Two images that lie alone, called by their days: fulls. */
function datedFiles(ending: string, ...options: readonly string[]) {
  return async (folder: string, files: SourceChain['files']): Promise<void> => {
    await mkdir(folder, { recursive: true });
    for (const [i, date] of DAYS.entries()) {
      const file = join(folder, `bench01-${date.toISOString().slice(0, 10)}.${ending}`);
      await runProgram('qemu-img', 'convert', ...options, files[i]!, file);
    }
  };
}

/** Two runs of ghettoVCB: fulls. */
async function ghettoVcbRuns(folder: string, files: SourceChain['files']): Promise<void> {
  for (const [i, date] of DAYS.entries()) {
    const name = `bench01-${date.toISOString().slice(0, 19).replace('T', '_').replaceAll(':', '-')}`;
    const run = join(folder, 'bench01', name);
    await mkdir(run, { recursive: true });
    await runProgram('qemu-img', 'convert', '-O', 'vmdk', files[i]!, join(run, 'bench01.vmdk'));
    await writeFile(join(run, 'bench01.vmx'), 'scsi0:0.fileName = "bench01.vmdk"\n');
    await writeFile(join(run, 'STATUS.ok'), 'Successfully completed backup');
  }
}

/** A package of an OVF descriptor and a disk as vCenter exports it. */
async function datedPackages(folder: string, files: SourceChain['files']): Promise<void> {
  const stage = join(folder, '..', 'package');
  await mkdir(folder, { recursive: true });
  await mkdir(stage);
  const [disk, descriptor] = ['bench01-disk1.vmdk', 'bench01.ovf'];
  await writeFile(join(stage, descriptor), ENVELOPE);
  const convert = ['convert', '-O', 'vmdk', '-o', 'subformat=streamOptimized', files[0]];
  await runProgram('qemu-img', ...convert, join(stage, disk));
  const file = join(folder, `bench01-${DAYS[0].toISOString().slice(0, 10)}.ova`);
  await runProgram('tar', '--format=ustar', '-C', stage, '-cf', file, descriptor, disk);
  await rm(stage, { recursive: true });
}

const ENVELOPE =
  '<Envelope xmlns:ovf="o"><References><File ovf:id="f" ovf:href="bench01-disk1.vmdk"/></References><DiskSection><Disk ovf:fileRef="f"/></DiskSection></Envelope>';

/** An archive of Proxmox VE of a machine with one disk. */
async function datedArchives(folder: string, files: SourceChain['files']): Promise<void> {
  await mkdir(folder, { recursive: true });
  const raw = join(folder, '..', 'archive.raw');
  await runProgram('qemu-img', 'convert', '-O', 'raw', files[0], raw);
  await writeArchive(raw, join(folder, `bench01-${DAYS[0].toISOString().slice(0, 10)}.vma`));
  await rm(raw);
}

const MACHINE = '5d1ad3f4-6a4c-4d54-9d3f-0a31f5a3b7c1';

/** Two exports of Hyper-V: fulls. In blocks of 1 MiB they hold what the other formats do; in those of 16 MiB that qemu-img chooses for such a disk 744 MiB of zeros
 *  more, all of which a copy has to read. */
async function hyperVExports(folder: string, files: SourceChain['files']): Promise<void> {
  for (const [i, date] of DAYS.entries()) {
    const machine = join(folder, `day${i}`, 'bench01');
    const disks = join(machine, 'Virtual Hard Disks');
    const description = join(machine, 'Virtual Machines', `${MACHINE}.vmcx`);
    await mkdir(disks, { recursive: true });
    await mkdir(join(machine, 'Virtual Machines'));
    const convert = ['convert', '-O', 'vhdx', '-o', 'subformat=dynamic,block_size=1M'];
    await runProgram('qemu-img', ...convert, files[i]!, join(disks, 'bench01.vhdx'));
    await writeFile(description, `day ${i}`);
    await utimes(description, date, date);
  }
}

/** A full of virtnbdbackup and an increment of what the second image holds itself. */
async function virtnbdbackupChain(folder: string, files: SourceChain['files']): Promise<void> {
  const machine = join(folder, 'bench01');
  await mkdir(machine, { recursive: true });
  const names = ['vda.full.data', 'vda.inc.virtnbdbackup.1.data'] as const;
  for (const [i, name] of names.entries()) {
    await writeStream(files[i]!, join(machine, name), i);
    await writeFile(join(machine, `vmconfig.virtnbdbackup.${i}.xml`), DEFINITION);
  }
}

const DEFINITION = `<domain type="kvm">
  <name>bench01</name>
  <uuid>${MACHINE}</uuid>
  <devices>
    <disk type="file" device="disk"><target dev="vda"/></disk>
  </devices>
</domain>
`;

interface MappedExtent {
  readonly start: number;
  readonly length: number;
  readonly depth: number;
  readonly data: boolean;
}

/** One data frame for each extent, as the tool writes them. */
async function writeStream(image: string, stream: string, checkpoint: number): Promise<void> {
  const map = JSON.parse(
    await outputOf('qemu-img', 'map', '--output=json', image),
  ) as MappedExtent[];
  const held = map.filter(({ data, depth }) => data && depth === 0);
  const last = map.at(-1)!;
  const raw = `${stream}.raw`;
  await runProgram('qemu-img', 'convert', '-O', 'raw', image, raw);
  const [from, to] = await Promise.all([open(raw), open(stream, 'w')]);
  const meta = JSON.stringify({
    virtualSize: last.start + last.length,
    dataSize: held.reduce((sum, { length }) => sum + length, 0),
    date: DAYS[checkpoint]!.toISOString().slice(0, 19),
    diskName: 'vda',
    diskFormat: 'qcow2',
    checkpointName: `virtnbdbackup.${checkpoint}`,
    compressed: false,
    compressionMethod: 'lz4',
    parentCheckpoint: checkpoint === 0 ? '' : `virtnbdbackup.${checkpoint - 1}`,
    incremental: checkpoint > 0,
    streamVersion: 2,
  });
  await to.write(`${frame('meta', 0, meta.length)}${meta}\r\n`);
  for (const { start, length } of held) {
    await to.write(frame('data', start, length));
    const part = Buffer.alloc(MIB);
    for (let at = start; at < start + length; at += MIB) {
      const bytes = Math.min(MIB, start + length - at);
      await from.read(part, 0, bytes, at);
      await to.write(part, 0, bytes);
    }
    await to.write('\r\n');
  }
  await to.write(frame('stop', 0, 0));
  await Promise.all([from.close(), to.close()]);
  await rm(raw);
}

const MIB = 1024 * 1024;

function frame(kind: string, start: number, length: number): string {
  const hex = (value: number): string => value.toString(16).padStart(16, '0');
  return `${kind} ${hex(start)} ${hex(length)}\r\n`;
}
