import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { VerifyAfterCopy } from '../src/domain/jobs/copy-job.js';
import type { DigestAlgorithm } from '../src/domain/targets/digest.js';
import type { RestoreFormat } from '../src/domain/targets/restore-format.js';
import type { Measurement } from './chain-under-test.js';
import type { TreeRun } from './tree-under-test.js';

export type MeasuredCommand =
  | { readonly type: 'merge' | 'synthesize' | 'verify' }
  | {
      readonly type: 'copy';
      readonly pointIndex: number;
      readonly kind: 'full' | 'increment';
      readonly changedBy: 'all' | 'lineage' | 'digest';
      /** By default SHA-256. */
      readonly digest?: DigestAlgorithm;
      /** By default through the page cache. */
      readonly verifyAfterCopy?: VerifyAfterCopy;
    }
  | {
      readonly type: 'restore';
      readonly format: RestoreFormat;
      /** New for each restore. */
      readonly folder: string;
    }
  | { readonly type: 'copyTree'; readonly is: TreeRun };

export type MoverCommand =
  | MeasuredCommand
  | { readonly type: 'open' | 'images' | 'peakMemory' | 'transferredBytes' }
  | { readonly type: 'openTree' | 'removeTree' | 'treeFiles' }
  | { readonly type: 'keepOldest'; readonly count: number };

export interface MoverReply {
  readonly value?: Measurement | string[] | string | number | undefined;
  readonly error?: string;
}

const ENTRY = fileURLToPath(new URL('./mover-entry.js', import.meta.url));

/** A data mover in a process of its own (`mover-entry`), one command at a time. */
export class MoverProcess {
  private readonly child: ChildProcess;
  private settle: ((reply: MoverReply) => void) | null = null;

  constructor(sourceFolder: string, targetFolder: string) {
    this.child = fork(ENTRY, [sourceFolder, targetFolder]);
    this.child.on('message', (reply: MoverReply) => this.settle?.(reply));
    this.child.on('exit', () => this.settle?.({ error: 'the process of the data mover ended' }));
  }

  get pid(): number {
    return this.child.pid!;
  }

  async measure(command: MeasuredCommand): Promise<Measurement> {
    return (await this.ask(command)) as Measurement;
  }

  async do(command: MoverCommand): Promise<void> {
    await this.ask(command);
  }

  async images(): Promise<string[]> {
    return (await this.ask({ type: 'images' })) as string[];
  }

  /** Folder of the files of a tree that was copied. */
  async treeFiles(): Promise<string> {
    return (await this.ask({ type: 'treeFiles' })) as string;
  }

  async peakMemoryMiB(): Promise<number> {
    return (await this.ask({ type: 'peakMemory' })) as number;
  }

  /** Bytes of disks that the process has written to the target so far. */
  async transferredBytes(): Promise<number> {
    return (await this.ask({ type: 'transferredBytes' })) as number;
  }

  /** SIGKILL; a command that is being done fails. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  /** Ends the process. */
  async close(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.disconnect();
    await exited;
  }

  private async ask(command: MoverCommand): Promise<MoverReply['value']> {
    const reply = await new Promise<MoverReply>((resolve) => {
      this.settle = resolve;
      this.child.send(command);
    });
    if (reply.error !== undefined) throw new Error(reply.error);
    return reply.value;
  }
}
