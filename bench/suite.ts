import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDurable, runProgram } from './commands.js';
import { MoverProcess, type MeasuredCommand } from './mover-process.js';
import { timed, type BenchCase } from './rounds.js';
import type { SourceChain, SourceChains } from './source-chains.js';

export interface BenchSite {
  /** For the outputs of one suite; goes with it. */
  readonly folder: string;
  readonly sources: SourceChains;
  /** Measure also against peers that take several times as long. */
  readonly withAllPeers: boolean;
}

/** Cases that are measured in turn, and what is compared. */
export interface Suite {
  readonly own: readonly OwnCase[];
  readonly peers: readonly BenchCase[];
  readonly goals: readonly RatioGoal[];
  /** Right before each case, not timed. */
  readonly beforeCase?: () => Promise<void>;
}

/** `ours` takes at most `limit` times as long as `peer`; null: only shown. */
export interface RatioGoal {
  readonly ours: string;
  readonly peer: string;
  readonly limit: number | null;
  /** The limit counts only when `peer` is the fastest of these. */
  readonly fastestOf?: readonly string[];
}

export interface OwnCaseOptions {
  readonly name: string;
  readonly source: SourceChain;
  readonly command: MeasuredCommand;
  /** Brings the target into the state before a round. */
  readonly before: (own: OwnCase) => Promise<void>;
  /** Image that shows what the newest point must show afterwards. */
  readonly expected: string;
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

  static async start(site: BenchSite, options: OwnCaseOptions): Promise<OwnCase> {
    const targetFolder = join(site.folder, options.name);
    await mkdir(targetFolder);
    const own = new OwnCase(options, targetFolder);
    await own.mover.do({ type: 'open' });
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
    const images = await this.mover.images();
    for (const image of images) await runProgram('qemu-img', 'check', '-q', image);
    await runProgram('qemu-img', 'compare', '-q', images.at(-1)!, this.options.expected);
  }
}

/** A peer that makes one new file; the clock stops when it is durable. */
export function fileCase(
  site: BenchSite,
  name: string,
  make: (output: string) => Promise<void>,
): BenchCase {
  const output = join(site.folder, `${name}.out`);
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
