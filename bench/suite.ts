import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDurable, runProgram } from './commands.js';
import { MoverProcess, type MeasuredCommand } from './mover-process.js';
import { timed, type BenchCase } from './rounds.js';
import type { LargeFull, SourceChain, SourceChains } from './source-chains.js';

export interface BenchSite {
  /** For the outputs of one suite; goes with it. */
  readonly folder: string;
  /** The same in memory, where there is room for it. */
  readonly memoryFolder: string | null;
  readonly sources: SourceChains;
  /** So large that what a tool does once does not count. */
  readonly large: LargeFull;
  /** Measure also against peers that take several times as long. */
  readonly withAllPeers: boolean;
}

/** Cases that are measured in turn, and what is compared. */
export interface Suite {
  readonly own: readonly OwnCase[];
  readonly peers: readonly BenchCase[];
  readonly goals: readonly RatioGoal[];
  /** Of ours, in seconds. */
  readonly maxSeconds?: number;
  /** Right before each case, not timed. */
  readonly beforeCase?: () => Promise<void>;
  /** What each case writes, when all write the same. */
  readonly outputMiB?: number;
  /** What each case reads and writes together, when it is not what the small chains make of it. */
  readonly touchMiB?: number;
  /** The outputs lie in memory. */
  readonly isInMemory?: boolean;
}

/** `ours` takes at most `limit` times as long as `peer`; null: only shown. */
export interface RatioGoal {
  readonly ours: string;
  readonly peer: string;
  readonly limit: number | null;
  /** Also met at nearly the disk's own speed: nobody is faster than that for long. */
  readonly orDisk?: boolean;
  /** The limit counts only when `peer` is the fastest of these. */
  readonly fastestOf?: readonly string[];
}

export type OwnCaseOptions = RunOptions & (ImageOptions | TreeOptions);

interface RunOptions {
  readonly name: string;
  readonly source: Pick<SourceChain, 'folder'>;
  readonly command: MeasuredCommand;
  /** Brings the target into the state before a round. */
  readonly before: (own: OwnCase) => Promise<void>;
  /** Where the target lies; by default in the suite's folder. */
  readonly folder?: string;
}

/** A copy of disks. */
interface ImageOptions {
  readonly opens?: 'open';
  /** Image that shows what the newest point must show afterwards. */
  readonly expected: string;
  /** What is made, when it is not the target's newest image. */
  readonly output?: () => Promise<string>;
  /** Makes a raw disk of what the newest point shows, where qemu-img cannot read the target's own images. */
  readonly shown?: (own: OwnCase) => Promise<string>;
}

interface TreeOptions {
  readonly opens: 'openTree';
  /** Looks at the copy with another tool. */
  readonly check: (own: OwnCase) => Promise<void>;
}

/** A case of ours: a resident data mover and the target repository that it works on. */
export class OwnCase implements BenchCase {
  readonly mover: MoverProcess;
  readonly delaysMs: number[] = [];

  private constructor(
    private readonly options: OwnCaseOptions,
    readonly targetFolder: string,
  ) {
    this.mover = new MoverProcess(options.source.folder, targetFolder);
  }

  static async start(site: Pick<BenchSite, 'folder'>, options: OwnCaseOptions): Promise<OwnCase> {
    const targetFolder = join(options.folder ?? site.folder, options.name);
    await mkdir(targetFolder, { recursive: true });
    const own = new OwnCase(options, targetFolder);
    await own.mover.do({ type: options.opens ?? 'open' });
    return own;
  }

  get name(): string {
    return this.options.name;
  }

  prepare(): Promise<void> {
    return this.options.before(this);
  }

  async run(): Promise<number> {
    const { seconds, eventLoopDelayMs } = await this.mover.measure(this.options.command);
    this.delaysMs.push(eventLoopDelayMs);
    return seconds;
  }

  async check(): Promise<void> {
    if (this.options.opens === 'openTree') return this.options.check(this);
    const { shown, expected } = this.options;
    if (shown !== undefined) {
      const raw = await shown(this);
      return runProgram('qemu-img', 'compare', '-q', '-f', 'raw', '-F', 'qcow2', raw, expected);
    }
    const images = await this.mover.images();
    for (const image of images) await runProgram('qemu-img', 'check', '-q', image);
    const made = (await this.options.output?.()) ?? images.at(-1)!;
    await runProgram('qemu-img', 'compare', '-q', made, expected);
  }
}

/** A peer that makes one new file; the clock stops when it is durable. */
export function fileCase(
  { folder }: Pick<BenchSite, 'folder'>,
  name: string,
  make: (output: string) => Promise<void>,
): BenchCase {
  const output = join(folder, `${name}.out`);
  return {
    name,
    prepare: () => rm(output, { force: true }),
    run: () =>
      timed(async () => {
        await make(output);
        await makeDurable(output);
      }),
  };
}
