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
  let session: CopySession | null = null;
  await until(async () => {
    const { status, body } = await api.request(
      'GET',
      `/sessions/${started.body.sessionId as string}`,
    );
    session = status === 200 ? (body as unknown as CopySession) : null;
    return session?.state === 'ended';
  });
  return session!;
}
