import { BackupError } from '../domain/errors.js';

export interface PostedBody {
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 20_000;

/** Posts a text. Whoever answers 408, 425, 429 or 5xx may take it later; every other answer but 2xx is for good. Addresses hold secrets, so
 *  errors name the channel alone.
 *  @throws CHANNEL_REFUSED, CHANNEL_UNREACHABLE */
export async function post(channelId: string, url: URL, body: PostedBody): Promise<void> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: body.headers,
      body: body.text,
      // Another address may be anybody's.
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
  } catch (error) {
    // eslint-disable-next-line longhaul/backup-error-cause -- its text may name the address, and causes go into the history
    throw new BackupError('CHANNEL_UNREACHABLE', `channel ${channelId}: ${wordsOf(error)}`);
  }
  const { status } = response;
  if (status >= 200 && status < 300) return;
  const mayPass = status >= 500 || [408, 425, 429].includes(status);
  throw new BackupError(
    mayPass ? 'CHANNEL_UNREACHABLE' : 'CHANNEL_REFUSED',
    `channel ${channelId} answers ${status}`,
  );
}

/** The code of the system alone: its text may name the address. */
function wordsOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError')
    return `no answer within ${TIMEOUT_MS / 1_000} s`;
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'no connection';
  return `cannot be reached: ${code}`;
}
