import { chainFolder } from '../../../src/chain/chain-paths.js';
import type { ChainRecord } from '../../../src/chain/chain-record.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { holdLease, LEASE_MS, type Lease } from '../../../src/chain/leases.js';
import { InProcessMover } from '../mover/in-process-mover.js';
import { SimulatedRepository } from '../repository/simulated-repository.js';
import type { GrowingSource } from './growing-source.js';
import { LivingChain, newest } from './living-chain.js';
import { wrongPoints } from './read-chain.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');
/** Some days after the last copy. */
export const NOW_MS = FIRST_AT_MS + 5 * DAY_MS;

/** In the source, as oVirt's `backup_vm.py` calls it. */
export const DESCRIPTION = 'mail01/mail01-2b6f7c1e-9d34-4a55-8e10-c7f2a9d4b613.ovf';

/** A lease on the point at this place of the chain. */
export type LeaseOf = readonly [
  point: number,
  purpose: Lease['purpose'],
  expiresAtMs?: number | undefined,
];

interface Options {
  /** Of the disk, 64 KiB each. */
  readonly blockCount?: number;
  readonly description?: Buffer;
  readonly later?: (source: GrowingSource) => Promise<void>;
}

/** When the machine is backed up after its last copy. */
export function laterAtMs(number: number): number {
  return FIRST_AT_MS + 4 * DAY_MS + (4 + number) * HOUR_MS;
}

async function twoIncrements(source: GrowingSource): Promise<void> {
  for (const number of [1, 2]) {
    source.work(4 + number);
    await source.backUp(laterAtMs(number), 'incremental');
  }
}

/** A full and three increments of a machine with one disk, copied day by day once, and two increments that the source alone has; each test has
 *  storages with them of its own. Points are named by their places in the chain.
 *
 *  The full has blocks 0, 2, 4, 6, 8 and 10. The increments have blocks 7; 2 and 7; 9, 2 and 7; then 11, and 3 told to be zeros as it was
 *  before; 6 and 11. */
export class CopiedMachine {
  private constructor(
    private readonly living: LivingChain,
    private readonly source: SimulatedRepository,
    private readonly copied: SimulatedRepository,
    readonly before: ChainRecord,
  ) {}

  /** @param options.description what lies beside the backups and describes the machine: a companion of each point
   *  @param options.later what the machine does, and how it is backed up, after its last copy */
  static async make({
    description,
    later = twoIncrements,
    blockCount = 12,
  }: Options = {}): Promise<CopiedMachine> {
    const source = new SimulatedRepository('primary');
    const target = new SimulatedRepository('offsite');
    if (description !== undefined) {
      await source.makeFolder('mail01');
      await source.put(DESCRIPTION, description);
    }
    const living = await LivingChain.begin({ source, target }, FIRST_AT_MS, newest(9), blockCount);
    await living.session();
    for (let day = 1; day < 4; day++) {
      living.source.work(day);
      await living.source.backUp(FIRST_AT_MS + day * DAY_MS, 'incremental');
      await living.session();
    }
    await later(living.source);
    const record = await readChainRecord(target, chainFolder('nightly', living.chain.workloadId));
    return new CopiedMachine(living, source, target, record!);
  }

  get chain(): string {
    return chainFolder('nightly', this.before.workload.id);
  }

  idOf(point: number): string {
    return this.before.points[point]?.id ?? 'nobody';
  }

  /** Id of a point in the source, also of one that was not copied. */
  sourceId(point: number): string {
    return this.living.source.days[point]!.id;
  }

  /** What the guest had in a block when the point was made. */
  block(point: number, block: number): Buffer {
    return this.disk(point).subarray(block * 65_536, (block + 1) * 65_536);
  }

  /** The raw disk as the guest had it when the point was made. */
  disk(point: number): Buffer {
    return this.living.truth(this.before.points[point]!);
  }

  /** The same of a point in the source. */
  diskAfterwards(point: number): Buffer {
    const createdAt = new Date(this.living.source.days[point]!.createdAtMs).toISOString();
    return this.living.truth({ createdAt });
  }

  async copy(...leases: LeaseOf[]): Promise<MachineCopy> {
    const copy = new MachineCopy(this, this.copied.clone(), this.source.clone());
    for (const [index, [point, purpose, expiresAtMs]] of leases.entries())
      await holdLease(copy.target, this.chain, `lease-${index}`, {
        ...{ restorePointId: this.idOf(point), purpose },
        expiresAtMs: expiresAtMs ?? NOW_MS + LEASE_MS,
      });
    return copy;
  }

  /** Ids of the points in this storage that do not read bit for bit. */
  wrongPoints(repository: SimulatedRepository, jobId = 'nightly'): Promise<string[]> {
    const workloadId = this.before.workload.id;
    return wrongPoints({ repository, jobId, workloadId }, this.living.truth);
  }
}

/** The copied chain in a storage of its own, with its source. */
export class MachineCopy {
  readonly mover: InProcessMover;
  nowMs = NOW_MS;

  constructor(
    readonly machine: CopiedMachine,
    readonly target: SimulatedRepository,
    readonly source: SimulatedRepository,
  ) {
    this.mover = new InProcessMover(target, source);
  }

  clone(): MachineCopy {
    return new MachineCopy(this.machine, this.target.clone(), this.source.clone());
  }

  /** What each operation on the chain is told. */
  get input() {
    const { chain, before } = this.machine;
    return { targetRepositoryId: 'offsite', chain, epoch: before.epoch, nowMs: this.nowMs };
  }

  async record(): Promise<ChainRecord> {
    return (await readChainRecord(this.target, this.machine.chain))!;
  }

  /** Places of the points that are listed. */
  async listed(): Promise<number[]> {
    const { points } = await this.record();
    return points.map(({ id }) => this.machine.before.points.findIndex((point) => point.id === id));
  }

  /** Places of the points whose folders are there. */
  async folders(): Promise<number[]> {
    const names = (await this.target.list(this.machine.chain)).map(({ name }) => name);
    return this.machine.before.points.flatMap(({ id }, place) =>
      names.includes(id) ? [place] : [],
    );
  }

  /** A file of a point's only disk. */
  pathOf(point: number, file: 'image' | 'digests'): string {
    const { path, digests } = this.machine.before.points[point]!.disks[0]!;
    return `${this.machine.chain}/${file === 'image' ? path : digests.path}`;
  }

  async read(path: string): Promise<Buffer> {
    const file = await this.target.openRead(path);
    const bytes = Buffer.alloc((await file.stamp()).sizeBytes);
    await file.read(bytes, 0);
    await file.close();
    return bytes;
  }

  /** Changes one byte. */
  async spoil(path: string, offset: number): Promise<void> {
    const byte = (await this.read(path))[offset]!;
    const file = await this.target.openWrite(path, 'existing');
    await file.write(Buffer.from([byte ^ 0x5a]), offset);
    await file.close();
  }

  /** Damages a table of a point's qcow2 file: a guest block is shown by what another one lies in. */
  async misplace(point: number, block: number, shown: number): Promise<void> {
    const path = this.pathOf(point, 'image');
    const entryOf = async (guestBlock: number) => {
      const entry = Buffer.alloc(8);
      // qcow2, L2 table entry: host offset, and the bit that says that nothing else refers to it.
      const offset = BigInt((await this.unitOf(point, guestBlock)) * 65_536);
      entry.writeBigUInt64BE((1n << 63n) | offset);
      return entry;
    };
    const at = (await this.read(path)).indexOf(await entryOf(block));
    const entry = await entryOf(shown);
    const file = await this.target.openWrite(path, 'existing');
    await file.write(entry, at);
    await file.close();
  }

  async cut(path: string, sizeBytes: number): Promise<void> {
    const file = await this.target.openWrite(path, 'existing');
    await file.truncate(sizeBytes);
    await file.close();
  }

  /** Number of the 64 KiB unit of a point's file in which a guest block lies. */
  async unitOf(point: number, block: number): Promise<number> {
    const bytes = await this.read(this.pathOf(point, 'image'));
    const at = bytes.indexOf(this.machine.block(point, block));
    if (at < 0 || at % 65_536 !== 0) throw new Error(`point ${point} does not hold block ${block}`);
    return at / 65_536;
  }
}
