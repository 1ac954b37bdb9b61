import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  historyNames,
  readHistory,
  type RecordedHistory,
} from '../support/session/history-file.js';
import { HISTORY_SHAPES } from '../support/session/history-shapes.js';
import { quietRuntime } from '../support/temporal/quiet-runtime.js';
import { workflowBundle } from '../support/workflows/workflow-sandbox.js';

const names = await historyNames();

/** Each recorded execution has ended: one that was cut off in a started Workflow Task would pass whatever the code does. */
describe('recorded histories', () => {
  let codePath: string;
  beforeAll(async () => {
    quietRuntime();
    codePath = await workflowBundle();
  });

  /** @throws DeterminismViolationError when the workflow would not go the recorded way */
  async function replay(history: RecordedHistory): Promise<void> {
    const started = history.events[0]!['workflowExecutionStartedEventAttributes'] as {
      workflowId: string;
    };
    await Worker.runReplayHistory({ workflowBundle: { codePath } }, history, started.workflowId);
  }

  it('exist for every way through the workflows', () => {
    const shapes = new Set(names.map((name) => name.replace(/-\d+\.\d+\.\d+\.json$/, '')));
    expect(HISTORY_SHAPES.filter(({ name }) => !shapes.has(name))).toEqual([]);
  });

  it.each(names)('%s replays', async (name) => {
    const history = await readHistory(name);
    expect(history.events.at(-1)!['eventType']).toMatch(
      /^EVENT_TYPE_WORKFLOW_EXECUTION_(COMPLETED|CANCELED|CONTINUED_AS_NEW)$/,
    );
    await replay(history);
  });

  it.each(names)('%s names no machine', async (name) => {
    const text = JSON.stringify(await readHistory(name));
    const payloads = [...text.matchAll(/"data":"([^"]+)"/g)];
    const decoded = payloads.map(([, data]) => Buffer.from(data!, 'base64').toString('utf8'));
    for (const part of [text, ...decoded]) {
      expect(part).not.toMatch(/\d@|\/(tmp|home|root|work|Users)\//);
    }
  });

  it('fail when the workflow would do another step than it did', async () => {
    const name = names.find((entry) => entry.startsWith('copyWorkload-full-and-increments'))!;
    const text = JSON.stringify(await readHistory(name));
    const altered = JSON.parse(
      text.replace('"name":"copyBlocks"', '"name":"scanBlocks"'),
    ) as RecordedHistory;
    await expect(replay(altered)).rejects.toThrow(DeterminismViolationError);
  });
});
