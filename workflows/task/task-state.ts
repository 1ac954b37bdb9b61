import { sumMoved, type MovedBytes } from '../../src/domain/targets/moved-bytes.js';
import { setCurrentDetails } from '@temporalio/workflow';
import {
  newTask,
  type CopyTask,
  type SessionResult,
} from '../../src/domain/sessions/copy-session.js';
import { isErrorCode } from '../../src/domain/errors.js';
import { sumTimes, type MoverTimes } from '../../src/domain/sessions/mover-times.js';
import { taskProgress } from '../../src/domain/sessions/session-result.js';
import { cut } from '../../src/domain/sessions/task-brief.js';
import { codeOf, reasonOf } from '../failures.js';

/** The task of one workload as queries show it, changed step by step. */
export class CopyTaskState {
  private state: CopyTask;

  constructor(
    { id, name, title }: { readonly id: string; readonly name: string; readonly title?: string },
    carried?: CopyTask,
  ) {
    const stateSince = new Date().toISOString();
    this.state = { ...newTask(title ?? name, id), stateSince, ...carried };
  }

  get task(): CopyTask {
    return this.state;
  }

  /** Changes what the task shows, and what the Temporal UI says it is doing. */
  show(change: Partial<CopyTask>, details: string): void {
    this.state = { ...this.state, ...this.timed(change.state), ...change };
    setCurrentDetails(`**${this.state.workload}**: ${details}`);
  }

  /** A state that ends adds its time to what the task has spent. */
  private timed(next: CopyTask['state'] | undefined): Partial<CopyTask> {
    const { state, stateSince, spentMs } = this.state;
    if (next === undefined || next === state) return {};
    const nowMs = Date.now();
    const lastedMs = stateSince === null ? 0 : nowMs - Date.parse(stateSince);
    return {
      stateSince: new Date(nowMs).toISOString(),
      spentMs: { ...spentMs, [state]: (spentMs[state] ?? 0) + Math.max(0, lastedMs) },
    };
  }

  /** Shows what the work waits for; null: it waits no longer and is where it was before. */
  wait(reason: string | null): void {
    const { state } = this.state;
    if (reason !== null) {
      this.beforeWait ??= state;
      this.show({ state: 'waiting', waitsFor: 'turn', reason, waitsUntil: null }, reason);
    } else if (this.beforeWait !== null) {
      const shown = { state: this.beforeWait, waitsFor: null, reason: null };
      this.show(shown, 'its turn has come');
      this.beforeWait = null;
    }
  }
  private beforeWait: CopyTask['state'] | null = null;

  note(text: string): void {
    const note = cut(text, NOTE_CHARACTERS);
    const { notes, omitted } = this.state;
    if (notes.includes(note)) return;
    this.state = { ...this.state, notes: [...notes, note].slice(-MAX_NOTES) };
    if (notes.length < MAX_NOTES) return;
    this.state = { ...this.state, omitted: { committed: 0, notes: (omitted?.notes ?? 0) + 1 } };
  }

  foundCopied(): void {
    this.state = { ...this.state, foundCopied: true };
  }

  committed(pointId: string): void {
    this.state = { ...this.state, committed: [...this.state.committed, pointId] };
  }

  resumed(disk: string, bytes: number, attempt = this.state.attempt): void {
    if (bytes === 0) return;
    this.state = { ...this.state, resumedFromBytes: bytes, attempt };
    this.note(`disk ${disk} was taken up again at byte ${bytes}`);
  }

  addWork(totalBytes: number, doneBytes: number): void {
    const { progress } = this.state;
    this.state = {
      ...this.state,
      progress: {
        ...progress,
        totalBytes: progress.totalBytes + totalBytes,
        processedBytes: progress.processedBytes + doneBytes,
      },
    };
  }

  /** Work that is in the progress already and has this much left: more than was left of it when it was given up, or when what was done is gone with a
   *  target that was put back. */
  expectLeft(leftBytes: number): void {
    const { progress } = this.state;
    const totalBytes = Math.max(progress.totalBytes, progress.processedBytes + leftBytes);
    this.state = { ...this.state, progress: { ...progress, totalBytes } };
  }

  /** What a plan that is given up had left to do is not to be waited for. */
  giveUpWork(): void {
    const { progress } = this.state;
    this.state = { ...this.state, progress: { ...progress, totalBytes: progress.processedBytes } };
  }

  addProgress(
    counts: MovedBytes & { readonly times?: MoverTimes },
    batchBytes: number,
    elapsedMs: number,
  ): void {
    const { progress, moverTimes } = this.state;
    this.state = {
      ...this.state,
      progress: taskProgress({
        processedBytes: progress.processedBytes + batchBytes,
        totalBytes: progress.totalBytes,
        ...sumMoved([progress, counts]),
        processedInAttemptBytes: batchBytes,
        elapsedMs,
      }),
      ...(counts.times === undefined ? {} : { moverTimes: sumTimes([moverTimes, counts.times]) }),
    };
  }

  end(result: SessionResult, reason: string | null): void {
    const told = reason === null ? null : cut(reason, REASON_CHARACTERS);
    const shown = { state: 'ended', result, reason: told } as const;
    this.show({ ...shown, waitsFor: null, waitsUntil: null }, told ?? result);
  }

  fail(error: unknown): void {
    const code = codeOf(error);
    this.state = { ...this.state, code: isErrorCode(code) ? code : null };
    // Trying again changes nothing: somebody has to say what is meant.
    this.end(code === 'COPIES_OF_OTHER_JOB' ? 'actionRequired' : 'failed', reasonOf(error));
  }
}

/** Enough to tell the story of a bad night, and always small enough for one payload. */
const MAX_NOTES = 300;
const NOTE_CHARACTERS = 1_000;
const REASON_CHARACTERS = 4_000;
