import { readFile } from 'node:fs/promises';
import { BackupError } from '../domain/errors.js';
import type {
  NotificationChannel,
  PingChannel,
  PingEvent,
  ToldChannel,
} from '../domain/notices/notification-channel.js';
import { printable } from '../domain/printable.js';
import type { Notice } from '../domain/notices/notice.js';
import { postBody } from './post-bodies.js';
import { post, type PostedBody } from './post.js';
import { sendMail } from './send-mail.js';
import { signedHeaders } from './standard-webhook.js';

/** Tells a channel something. What it answers for good is told from what may pass.
 *  @throws CHANNEL_REFUSED, CHANNEL_UNREACHABLE: no text of theirs holds a secret */
export async function deliver(channel: ToldChannel, told: Notice): Promise<void> {
  const notice = shown(told);
  if (channel.kind === 'mail') {
    const { passwordFile } = channel;
    const password = passwordFile === null ? null : await secretIn(channel, passwordFile);
    return sendMail(channel, password, notice);
  }
  const url = await urlOf(channel);
  await post(channel.id, url, await bodyFor(channel, notice));
}

/** Names of workloads, files and jobs stand in it, and whoever names them must not turn or break the lines of an alarm. */
function shown(notice: Notice): Notice {
  const { subject, lines } = notice;
  return { ...notice, subject: printable(subject), lines: lines.map(printable) };
}

/** Says to a check in the dialect of Healthchecks that Longhaul lives.
 *  @throws as `deliver` */
export async function ping(channel: PingChannel): Promise<void> {
  await post(channel.id, await urlOf(channel), { text: '', headers: {} });
}

export interface SessionPing {
  readonly event: PingEvent;
  /** Same of the start and the end of a session; a UUID. */
  readonly runId: string;
  /** Shown beside it. */
  readonly text: string;
}

const PLACES: Readonly<Record<PingEvent, string>> = { start: '/start', success: '', fail: '/fail' };

/** Says to a check in the dialect of Healthchecks what a session does (https://healthchecks.io/docs/http_api/: start, success, fail, `rid`).
 *  @throws as `deliver` */
export async function pingSession(
  channel: PingChannel,
  { event, runId, text }: SessionPing,
): Promise<void> {
  const url = await urlOf(channel);
  url.pathname = `${url.pathname.replace(/\/$/, '')}${PLACES[event]}`;
  url.searchParams.set('rid', runId);
  await post(channel.id, url, {
    text: printable(text),
    headers: { 'content-type': 'text/plain; charset=utf-8' },
  });
}

async function bodyFor(
  channel: Exclude<ToldChannel, { kind: 'mail' }>,
  notice: Notice,
): Promise<PostedBody> {
  if (channel.kind !== 'webhook') return postBody(channel.kind, notice);
  const { number, kind, severity, subject, lines, at, id } = notice;
  const data = { id, number, kind, severity, subject, lines };
  const text = JSON.stringify({ type: `longhaul.${kind}`, timestamp: at, data });
  const secret = await secretIn(channel, channel.secretFile);
  return {
    text,
    headers: {
      'content-type': 'application/json',
      ...signedHeaders(`${id}.${channel.id}`, Date.now(), text, secret),
    },
  };
}

async function urlOf(channel: { readonly id: string; readonly urlFile: string }): Promise<URL> {
  const text = await secretIn(channel, channel.urlFile);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
  throw new BackupError('CHANNEL_REFUSED', `channel ${channel.id}: its file holds no address`);
}

/** Read for each delivery, so that a secret can be exchanged while the service runs. */
async function secretIn({ id }: Pick<NotificationChannel, 'id'>, file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new BackupError('CHANNEL_REFUSED', `channel ${id}: ${file} cannot be read: ${reason}`, {
      cause,
    });
  }
}
