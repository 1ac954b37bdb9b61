import { setCurrentDetails, setHandler } from '@temporalio/workflow';
import { isErrorCode } from '../src/domain/errors.js';
import type { OperationStatus } from '../src/domain/operation.js';
import { codeOf, isStop, reasonOf } from './failures.js';
import { operationQuery } from './messages.js';

/** A verification or restore as queries show it. */
export class OperationState {
  private status: OperationStatus = {
    state: 'running',
    result: null,
    processedBytes: 0,
    totalBytes: 0,
    code: null,
    reason: null,
    notes: [],
  };

  constructor() {
    setHandler(operationQuery, () => this.status);
  }

  get view(): OperationStatus {
    return this.status;
  }

  addWork(totalBytes: number, doneBytes: number): void {
    const { status } = this;
    this.status = {
      ...status,
      totalBytes: status.totalBytes + totalBytes,
      processedBytes: status.processedBytes + doneBytes,
    };
  }

  addProgress(bytes: number): void {
    this.status = { ...this.status, processedBytes: this.status.processedBytes + bytes };
  }

  show(details: string): void {
    setCurrentDetails(details);
  }

  note(text: string): void {
    this.status = { ...this.status, notes: [...this.status.notes, text].slice(0, MAX_NOTES) };
  }

  end(result: OperationStatus['result'], reason: string | null): OperationStatus {
    this.status = { ...this.status, state: 'ended', result, reason };
    setCurrentDetails(`**${result ?? ''}** ${reason ?? ''}`);
    return this.status;
  }

  fail(error: unknown): OperationStatus {
    if (isStop(error)) return this.end('stopped', 'it was stopped');
    const code = codeOf(error);
    this.status = { ...this.status, code: isErrorCode(code) ? code : null };
    return this.end('failed', reasonOf(error));
  }
}

/** What went wrong first tells most. */
const MAX_NOTES = 200;
