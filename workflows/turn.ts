import { HandlerUnfinishedPolicy } from '@temporalio/common';
import { CancellationScope, condition, setHandler, uuid4 } from '@temporalio/workflow';
import type { CopySettings } from '../src/domain/jobs/copy-settings.js';
import { turnActivities } from './activity-profiles.js';
import { turnUpdate } from './messages.js';

interface TurnOptions {
  /** Whose workers do the work. */
  readonly repositoryId: string;
  readonly settings: CopySettings;
  /** What waits, for the Temporal UI. */
  readonly name: string;
  /** Called with the reason when the work begins to wait, and with null when it waits no longer. */
  readonly onWait: (reason: string | null) => void;
}

/** The right of a workload to be worked at: a worker gives as many as its repository allows (`workloadLimit`), in the order in which they
 *  were asked for. A turn is a running activity, so whoever is terminated or dies gives it back; that activity sends an update when it
 *  begins, which is answered when the turn ends. One for each run of a workflow. Source: ADR 15. */
export class Turn {
  /** Of the turn that is wanted or held; null: none. */
  private token: string | null = null;
  private heldSinceMs: number | null = null;
  private answering = 0;
  private asking = new CancellationScope();

  constructor(private readonly options: TurnOptions) {
    // An answer that is still due when the workflow ends is nobody's loss: the end of the workflow ends the turn as well.
    setHandler(turnUpdate, (token) => this.hold(token), {
      unfinishedPolicy: HandlerUnfinishedPolicy.ABANDON,
    });
  }

  /** Resolves when it is the workload's turn, or when it was given up in the meantime. */
  async take(): Promise<void> {
    if (this.heldSinceMs !== null) return;
    const { onWait, repositoryId } = this.options;
    const token = (this.token = uuid4());
    onWait(
      `it waits for its turn in repository ${repositoryId}, where as many workloads as workloadLimit says have theirs at once`,
    );
    this.ask(token);
    try {
      await condition(() => this.heldSinceMs !== null || this.token !== token);
    } finally {
      onWait(null);
    }
  }

  /** Between two steps of the work: a long turn ends, so that others come first who have waited meanwhile. */
  async giveUpIfLong(): Promise<void> {
    const { turnMs } = this.options.settings;
    if (this.heldSinceMs !== null && Date.now() - this.heldSinceMs >= turnMs) await this.giveUp();
  }

  /** Also of a turn that has not come yet. */
  async giveUp(): Promise<void> {
    if (this.token === null) return;
    if (this.heldSinceMs === null) this.asking.cancel();
    this.token = null;
    this.heldSinceMs = null;
    await CancellationScope.nonCancellable(() => condition(() => this.answering === 0));
  }

  private ask(token: string): void {
    const { repositoryId, settings, name } = this.options;
    this.asking = new CancellationScope();
    this.asking
      .run(() =>
        turnActivities(repositoryId, settings).holdTurn.executeWithOptions(
          { summary: `${name}: wait for its turn, and hold it` },
          [{ token }],
        ),
      )
      // Cancelled with the work, or refused for good: a limit is no reason not to copy.
      .catch(() => this.begin(token));
  }

  private begin(token: string): void {
    if (this.token === token) this.heldSinceMs ??= Date.now();
  }

  private async hold(token: string): Promise<void> {
    this.begin(token);
    this.answering++;
    try {
      await CancellationScope.nonCancellable(() => condition(() => this.token !== token));
    } finally {
      this.answering--;
    }
  }
}
