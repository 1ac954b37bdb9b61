import { createTransport } from 'nodemailer';
import { BackupError } from '../domain/errors.js';
import type { MailChannel } from '../domain/safety/notification-channel.js';
import type { Notice } from '../domain/safety/notice.js';

const TIMEOUT_MS = 30_000;

/** Sends one mail to all receivers. Its Message-ID follows from the notice, so that a mail program shows one that came twice once. Whoever
 *  answers 4xx (greylisting, a full box) may take it later, 5xx is for good (RFC 5321, 4.2.1).
 *  @throws CHANNEL_REFUSED, CHANNEL_UNREACHABLE */
export async function sendMail(
  channel: MailChannel,
  password: string | null,
  notice: Notice,
): Promise<void> {
  const { host, port, security, username } = channel;
  const transport = createTransport({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(username === null ? {} : { auth: { user: username, pass: password ?? '' } }),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    // Nothing in a notice is read from a file or an address.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    const sent = await transport.sendMail({
      from: channel.from,
      to: [...channel.to],
      subject: `[Longhaul${notice.number > 0 ? ` #${notice.number}` : ''}] ${notice.subject}`,
      text: `${notice.lines.join('\n')}\n`,
      messageId: `<${notice.id}.${channel.id}@longhaul>`,
      date: new Date(notice.at),
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
    const { rejected } = sent as { rejected?: readonly unknown[] };
    if (rejected !== undefined && rejected.length > 0)
      throw Object.assign(new Error(`${rejected.length} receivers were refused`), {
        responseCode: 550,
      });
  } catch (error) {
    throw refusal(channel.id, error);
  } finally {
    transport.close();
  }
}

function refusal(channelId: string, error: unknown): BackupError {
  const { responseCode, code } = (error ?? {}) as { responseCode?: number; code?: string };
  // A wrong name or password is answered 535, one that cannot be checked now 454.
  const isForGood = responseCode === undefined ? code === 'EENVELOPE' : responseCode >= 500;
  const words =
    responseCode === undefined ? (code ?? 'no answer') : `the server answers ${responseCode}`;
  return new BackupError(
    isForGood ? 'CHANNEL_REFUSED' : 'CHANNEL_UNREACHABLE',
    `channel ${channelId}: ${words}`,
  );
}
