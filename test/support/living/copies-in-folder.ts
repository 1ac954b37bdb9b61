import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A point of a copy as its files say it. */
export interface CopiedPoint {
  readonly id: string;
  readonly workloadId: string;
  readonly createdAtMs: number;
  /** It, or an earlier copy of its date. */
  readonly isWeekly: boolean;
  /** Of the bytes of its own disk. */
  readonly digest: string;
  /** What was copied of its date before, and is there still, oldest first: it was copied again. */
  readonly earlier: readonly CopiedPoint[];
  /** Absolute path. */
  readonly image: string;
  /** The record says that it, or what it builds on, was taken too early. */
  readonly isToldShort: boolean;
}

interface RecordFile {
  readonly record: {
    readonly workload: { readonly id: string };
    readonly points: readonly {
      readonly id: string;
      readonly createdAt: string;
      readonly state: string;
      readonly flags: readonly string[];
      readonly disks: readonly { readonly path: string }[];
      readonly parentId: string | null;
      readonly source: { readonly judged?: { readonly verdict: string } };
    }[];
  };
}

/** What a job has copied, by commit records, files and qemu-img alone. */
export class CopiesInFolder {
  private readonly read = new Map<string, Buffer>();

  /** @param folder of the job in its target
   *  @param scratch file for disks that are read */
  constructor(
    readonly folder: string,
    private readonly scratch: string,
  ) {}

  /** Absolute path of what is kept of a machine; null: nothing. */
  async chain(machine: string): Promise<string | null> {
    const names = await readdir(this.folder).catch(() => []);
    const name = names.find((each) => each.includes(machine));
    return name === undefined ? null : join(this.folder, name);
  }

  /** Those that a machine can be restored from, by date; of several with one date the last. */
  async points(machine: string): Promise<Map<number, CopiedPoint>> {
    const chain = await this.chain(machine);
    const points = new Map<number, CopiedPoint>();
    if (chain === null) return points;
    const text = await readFile(join(chain, 'chain.json'), 'utf8').catch(() => null);
    if (text === null) return points;
    const { record } = JSON.parse(text) as RecordFile;
    const short = new Set<string | null>();
    for (const { id, createdAt, state, flags, disks, parentId, source } of record.points) {
      const isToldShort = source.judged?.verdict === 'grown' || short.has(parentId);
      if (isToldShort) short.add(id);
      if (state !== 'available') continue;
      const image = join(chain, disks[0]!.path);
      const digest = createHash('sha256')
        .update(await readFile(image))
        .digest('hex');
      const createdAtMs = Date.parse(createdAt);
      const before = points.get(createdAtMs);
      const isWeekly = flags.includes('weekly') || before?.isWeekly === true;
      const earlier = before === undefined ? [] : [...before.earlier, before];
      points.set(createdAtMs, {
        ...{ id, workloadId: record.workload.id, createdAtMs, isWeekly, digest, image, earlier },
        isToldShort,
      });
    }
    return points;
  }

  /** The raw disk, by qemu-img. */
  async shown(image: string): Promise<Buffer> {
    const digest = await stackDigest(image);
    let raw = this.read.get(digest);
    if (raw === undefined) this.read.set(digest, (raw = await rawOf(image, this.scratch)));
    return raw;
  }
}

/** The raw disk in a qcow2 file, by qemu-img. */
export async function rawOf(image: string, scratch: string): Promise<Buffer> {
  await run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', image, scratch]);
  return readFile(scratch);
}

/** Of the bytes of an image and of all that it names as its backing file (qcow2.txt of QEMU, Header). */
async function stackDigest(image: string): Promise<string> {
  const bytes = await readFile(image);
  const nameAt = Number(bytes.readBigUInt64BE(8));
  const name = bytes.toString('utf8', nameAt, nameAt + bytes.readUInt32BE(16));
  const below = nameAt === 0 ? '' : await stackDigest(join(dirname(image), name));
  return createHash('sha256').update(bytes).update(below).digest('hex');
}

export function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
