import { mkdir } from 'node:fs/promises';
import type { TemporalSettings } from '../src/temporal/connect.js';
import {
  historyNames,
  HISTORIES_FOLDER,
  writeHistory,
} from '../test/support/session/history-file.js';
import {
  HISTORY_SHAPES,
  RecordingLab,
  type HistoryShape,
} from '../test/support/session/history-shapes.js';
import { TestSite } from '../test/support/session/test-site.js';
import { TestWorkers } from '../test/support/session/test-workers.js';
import { withScratchServer } from '../test/support/temporal/scratch-server.js';

/** Records the histories that are missing in `test/replay/histories` for the release named on the command line, for example 0.2.0.
 *  What is there is left alone: a history stands for the executions of its time. */
async function recordHistories(release: string): Promise<void> {
  await mkdir(HISTORIES_FOLDER, { recursive: true });
  const recorded = await historyNames();
  const missing = HISTORY_SHAPES.filter(
    ({ name }) => !recorded.includes(`${name}-${release}.json`),
  );
  await withScratchServer(async (temporal) => {
    for (const shape of missing) {
      await recordShape(temporal, shape, release);
      console.log(`recorded ${shape.name}`);
    }
  });
}

/** Each shape has a site and workers of its own. Their ids are the same, so only one shape is at work at a time. */
async function recordShape(
  temporal: TemporalSettings,
  shape: HistoryShape,
  release: string,
): Promise<void> {
  const site = await TestSite.create(null);
  site.settleSeconds = shape.settleSeconds ?? 0;
  const share = { ...site.repositories[0]!, id: 'share', path: site.path('share') };
  site.otherSources = [share];
  const workers = await TestWorkers.on(temporal, site, shape.settings);
  try {
    const { workflowId, runId } = await shape.record(new RecordingLab(site, workers));
    const history = await workers.client.workflow.getHandle(workflowId, runId).fetchHistory();
    await writeHistory(`${shape.name}-${release}.json`, history, site.folder);
  } finally {
    await workers.stop();
    await site.remove();
  }
}

const [release] = process.argv.slice(2);
if (release === undefined || !/^\d+\.\d+\.\d+$/.test(release))
  throw new Error('usage: record-histories <release>, for example 0.1.0');
await recordHistories(release);
