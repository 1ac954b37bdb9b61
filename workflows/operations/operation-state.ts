import type { CarriedOperation, PieceOfWork } from '../carried-state.js';
import { setCurrentDetails, setHandler, upsertMemo, workflowInfo } from '@temporalio/workflow';
import { doneBytesOf, workBytesOf, type DiskWork } from '../../src/domain/targets/disk-work.js';
import { isErrorCode } from '../../src/domain/errors.js';
import type { OperationStatus } from '../../src/domain/sessions/operation.js';
import { stopText, type StopOrder } from '../../src/domain/sessions/session-result.js';
import { cut } from '../../src/domain/sessions/task-brief.js';
import { codeOf, isStop, reasonOf } from '../failures.js';
import { operationQuery, stopOrderSignal, type OperationMemo } from '../messages.js';

const NOTHING: PieceOfWork = { totalBytes: 0, processedBytes: 0 };

/** A verification or restore as queries show it. */
export class OperationState {
  readonly startedAt: string;
  private status: OperationStatus;
  private piece: PieceOfWork;
  private stopOrder: StopOrder | null = null;

  constructor(carried?: CarriedOperation) {
    this.startedAt = carried?.startedAt ?? workflowInfo().startTime.toISOString();
    this.status = carried?.status ?? {
      state: 'running',
      result: null,
      ...NOTHING,
      code: null,
      reason: null,
      notes: [],
      omittedNotes: 0,
    };
    this.piece = carried?.piece ?? NOTHING;
    setHandler(operationQuery, () => this.status);
    setHandler(stopOrderSignal, (order) => void (this.stopOrder = order));
  }

  get view(): OperationStatus {
    return this.status;
  }

  /** For the next run, which is told apart from the first one by the memo. */
  carry(): CarriedOperation {
    const { startedAt, status, piece } = this;
    const memo: OperationMemo = { startedAt };
    upsertMemo({ ...memo });
    return { startedAt, status, piece };
  }

  /** Plans a piece of work; one that was planned before and did not end is not counted twice. */
  beginPiece(disks: readonly DiskWork[]): void {
    const totalBytes = disks.reduce((sum, disk) => sum + workBytesOf(disk), 0);
    const processedBytes = disks.reduce((sum, disk) => sum + doneBytesOf(disk), 0);
    this.beginWork(totalBytes, processedBytes);
  }

  /** The same of work that is no disks. */
  beginWork(totalBytes: number, processedBytes: number): void {
    this.addWork(totalBytes - this.piece.totalBytes, processedBytes - this.piece.processedBytes);
    this.piece = { totalBytes, processedBytes };
  }

  endPiece(): void {
    this.piece = NOTHING;
  }

  addProgress(bytes: number): void {
    this.addWork(0, bytes);
    this.piece = { ...this.piece, processedBytes: this.piece.processedBytes + bytes };
  }

  private addWork(totalBytes: number, processedBytes: number): void {
    const { status } = this;
    const doneBytes = status.processedBytes + processedBytes;
    // What a target that was put back lacks is done once more.
    this.status = {
      ...status,
      totalBytes: Math.max(status.totalBytes + totalBytes, doneBytes),
      processedBytes: doneBytes,
    };
  }

  /** Shows what the work waits for; null: it waits no longer. */
  wait(reason: string | null): void {
    this.status = { ...this.status, reason };
    setCurrentDetails(reason ?? 'its turn has come');
  }

  show(details: string): void {
    setCurrentDetails(details);
  }

  note(text: string): void {
    const { notes } = this.status;
    if (notes.length < MAX_NOTES)
      this.status = { ...this.status, notes: [...notes, cut(text, NOTE_CHARACTERS)] };
    else this.omitNotes(1);
  }

  omitNotes(count: number): void {
    this.status = { ...this.status, omittedNotes: this.status.omittedNotes + count };
  }

  end(
    result: OperationStatus['result'],
    reason: string | null,
    code: OperationStatus['code'] = null,
  ): OperationStatus {
    const told = reason === null ? null : cut(reason, REASON_CHARACTERS);
    this.status = { ...this.status, state: 'ended', result, code, reason: told };
    setCurrentDetails(`**${result ?? ''}** ${told ?? ''}`);
    return this.status;
  }

  fail(error: unknown): OperationStatus {
    if (isStop(error)) return this.end('stopped', stopText('it', this.stopOrder));
    const code = codeOf(error);
    return this.end('failed', reasonOf(error), isErrorCode(code) ? code : null);
  }
}

/** What went wrong first tells most. */
export const MAX_NOTES = 200;
export const NOTE_CHARACTERS = 1_000;
const REASON_CHARACTERS = 4_000;
