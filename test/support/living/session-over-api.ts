import type { ApiServer } from '../../integration/api/support/api-server.js';
import type { CopyJob, StartOverrides } from '../../../src/domain/jobs/copy-job.js';
import type { CopySession } from '../../../src/domain/sessions/copy-session.js';
import { until } from '../session/until.js';

/** The definition as a client would write it. */
export function definitionOf({ revision: _, replaces: __, ...definition }: CopyJob): object {
  return definition;
}

/** Starts a session of the job over the API and waits for its end. */
export async function runOverApi(
  api: ApiServer,
  jobId: string,
  overrides: StartOverrides = {},
): Promise<CopySession> {
  const started = await api.request('POST', `/jobs/${jobId}/start`, overrides);
  if (started.status !== 202) throw new Error(JSON.stringify(started.body));
  let last: Awaited<ReturnType<ApiServer['request']>> | null = null;
  try {
    await until(async () => {
      last = await api.request('GET', `/sessions/${started.body.sessionId as string}`);
      return last.status === 200 && last.body.state === 'ended';
    });
  } catch (cause) {
    throw new Error(`the session has not ended; last answer: ${JSON.stringify(last)}`, { cause });
  }
  return last!.body as unknown as CopySession;
}
