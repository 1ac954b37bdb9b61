import type { CopyTask } from './copy-session.js';

/** Answers that the copy of a workload keeps until the session that got them has written down what it told. Plain JSON. */
export interface KeptAnswers {
  readonly workloadId: string;
  /** Who got them. */
  readonly owner: string;
  /** Of its commit, and with it what runs before had left. Only of a tree. */
  readonly hasCommit?: true;
  /** Of its removal. Only of a tree. */
  readonly hasRemoval?: true;
  /** What was found when it took the chain over. */
  readonly hasTaken?: true;
  /** What was set aside because it cannot be healed. */
  readonly hasMarked?: true;
}

/** Begins what is told for somebody else. */
export const BY_A_RUN_BEFORE = 'by a run before, which may not have told it';

/** A task as its workflow hands it to the session. */
export interface EndedTask extends CopyTask {
  /** Absent: none, or its whole record lies beside the data by now. */
  readonly keeps?: KeptAnswers;
}
