import { execFileSync } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FormatId } from '../../../src/domain/sources/source-workload.js';
import { SimulatedRepository } from '../repository/simulated-repository.js';
import { OVIRT, type SourceFormat } from './source-format.js';

/** Backups that oVirt's backup_vm.py would leave, made by qemu-img and qemu-io, and what qemu-img reads through each of them. */

export interface SourceChain {
  readonly format: FormatId;
  readonly repository: SimulatedRepository;
  /** Bytes of every disk at every restore point: point id → disk id → raw disk, as `qemu-img convert` gives it. */
  readonly truth: ReadonlyMap<string, ReadonlyMap<string, Buffer>>;
  /** Bytes of the files that describe the machine at every restore point, by their names. */
  readonly companions: ReadonlyMap<string, Buffer>;
  /** Restore point ids, oldest first. */
  readonly pointIds: readonly string[];
  /** What qemu-img wrote. */
  readonly images: readonly WrittenImage[];
}

interface WrittenImage {
  readonly day: number;
  /** As a `SourcePoint` names it. */
  readonly disk: string;
  readonly kind: DiskBackup['kind'];
  readonly name: string;
  /** Name of its parent. */
  readonly parent: string | null;
}

/** One run of the backup tool, on one day: the disks it wrote. */
export type SourcePoint = Readonly<Record<string, DiskBackup>>;

export interface DiskBackup {
  readonly kind: 'full' | 'incremental';
  readonly sizeBytes: number;
  /** Options of `qemu-img create -o`: cluster size, extended L2 entries. */
  readonly options?: string;
  readonly writes: readonly DiskWrite[];
}

/** `noise`: bytes of their own for each seed. `compressed`: one byte repeated, in compressed clusters. */
export type DiskWrite =
  | { readonly noise: number; readonly at: number; readonly bytes: number }
  | { readonly zeroAt: number; readonly bytes: number }
  | { readonly compressed: number; readonly at: number; readonly bytes: number };

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const MACHINE = 'mail01';

/** A chain whose disks are too large to be read whole: without its truth. Without machine description files. */
export function makeThinChain(points: readonly SourcePoint[]): SourceChain {
  return makeSourceChain(points, { readDisk: () => Buffer.alloc(0) });
}

/** @param points one for each day from 1 November 2026 on, a Sunday
 *  @param options.descriptions text of the files that describe the machine, by their names
 *  @param options.readDisk gives the bytes of a disk at a restore point */
export function makeSourceChain(
  points: readonly SourcePoint[],
  options: {
    readonly descriptions?: Readonly<Record<string, string>>;
    readonly readDisk?: typeof rawBytes;
  } = {},
): SourceChain {
  const { descriptions = {}, readDisk = rawBytes } = options;
  const work = mkdtempSync(join(tmpdir(), 'longhaul-kill-table-'));
  try {
    const folder = join(work, 'backups', MACHINE);
    mkdirSync(folder, { recursive: true });
    const companions = new Map<string, Buffer>();
    for (const [name, text] of Object.entries(descriptions)) {
      companions.set(name, Buffer.from(text));
      writeFileSync(join(folder, name), text);
    }
    const truth = new Map<string, Map<string, Buffer>>();
    const newest = new Map<string, string>();
    const images: WrittenImage[] = [];
    for (const [day, point] of points.entries()) {
      const disks = new Map<string, Buffer>();
      for (const [disk, backup] of Object.entries(point)) {
        const name = fileName(day, disk, backup.kind);
        const parent = backup.kind === 'full' ? null : (newest.get(disk) ?? null);
        createImage(work, folder, name, parent, backup);
        newest.set(disk, name);
        disks.set(diskId(disk), readDisk(join(folder, name), join(work, 'raw')));
        images.push({ day, disk, kind: backup.kind, name, parent });
      }
      truth.set(checkpoint(day), disks);
    }
    const repository = new SimulatedRepository('primary');
    repository.importFrom(join(work, 'backups'));
    const pointIds = points.map((_, day) => checkpoint(day));
    return { format: OVIRT.id, repository, truth, companions, pointIds, images };
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** The repository as it was when only the first `count` points had been made. */
export async function withFirstPoints(
  { repository }: SourceChain,
  count: number,
): Promise<SimulatedRepository> {
  const earlier = repository.clone();
  for (const { name, path } of await earlier.list(MACHINE))
    if (Number(/-(\d{12})\./.exec(name)?.[1] ?? 0) > count) await earlier.remove(path);
  return earlier;
}

/** The same with files of another format in the place of those of qemu-img. Of an opaque format the truth is what those hold. */
export async function inFormat(chain: SourceChain, format: SourceFormat): Promise<SourceChain> {
  const { convert } = format;
  if (convert === null) return chain;
  const nameOf = ({ day, disk, kind }: WrittenImage) =>
    format.fileName(day, checkpoint(day), diskId(disk), kind);
  const diskOf = ({ day, disk }: WrittenImage) =>
    chain.truth.get(checkpoint(day))!.get(diskId(disk))!;
  const repository = chain.repository.clone();
  const truth = new Map([...chain.truth].map(([id, disks]) => [id, new Map(disks)]));
  const written = new Map<string, Buffer>();
  for (const image of chain.images) {
    const parent = chain.images.find(({ name }) => name === image.parent) ?? null;
    const below = parent && {
      ...{ name: nameOf(parent), disk: diskOf(parent) },
      file: written.get(nameOf(parent))!,
    };
    const files = await convert(nameOf(image), diskOf(image), below);
    written.set(nameOf(image), files.get(nameOf(image))!);
    for (const [name, bytes] of files) await repository.put(`${MACHINE}/${name}`, bytes);
    await repository.remove(`${MACHINE}/${image.name}`);
    if (format.isOpaque === true)
      truth.get(checkpoint(image.day))!.set(diskId(image.disk), written.get(nameOf(image))!);
  }
  repository.settleAll();
  return { ...chain, format: format.id, repository, truth };
}

function fileName(day: number, disk: string, kind: DiskBackup['kind']): string {
  return OVIRT.fileName(day, checkpoint(day), diskId(disk), kind);
}

function checkpoint(day: number): string {
  return `1f0a6e2c-58b4-4d1b-9a52-${String(day + 1).padStart(12, '0')}`;
}

/** Id of the disk that a `SourcePoint` names. */
export function diskId(disk: string): string {
  return `3d5c0f8e-2b71-4c9d-8e46-${Buffer.from(disk).toString('hex').padStart(12, '0').slice(0, 12)}`;
}

function createImage(
  work: string,
  folder: string,
  name: string,
  parent: string | null,
  { sizeBytes, options, writes }: DiskBackup,
): void {
  const backing = parent === null ? [] : ['-F', 'qcow2', '-b', parent];
  const layout = options === undefined ? [] : ['-o', options];
  run(
    'qemu-img',
    ['create', '-q', '-f', 'qcow2', ...layout, ...backing, name, String(sizeBytes)],
    folder,
  );
  if (writes.length === 0) return;
  const commands = writes.flatMap((write) => ['-c', qemuIoCommand(work, write)]);
  run('qemu-io', ['-f', 'qcow2', ...commands, name], folder);
}

function qemuIoCommand(work: string, write: DiskWrite): string {
  if ('zeroAt' in write) return `write -z ${write.zeroAt} ${write.bytes}`;
  if ('compressed' in write) return `write -c -P ${write.compressed} ${write.at} ${write.bytes}`;
  const path = join(work, `noise-${write.noise}`);
  writeFileSync(path, noise(write.noise, write.bytes));
  return `write -s ${path} ${write.at} ${write.bytes}`;
}

/** Bytes that a write of `noise` puts on the disk. */
export function noise(seed: number, bytes: number): Buffer {
  const iv = Buffer.alloc(16);
  iv.writeUInt32BE(seed);
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), iv).update(Buffer.alloc(bytes));
}

function rawBytes(image: string, raw: string): Buffer {
  run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', image, raw]);
  return readFileSync(raw);
}

function run(tool: string, args: readonly string[], cwd?: string): void {
  execFileSync(tool, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}
