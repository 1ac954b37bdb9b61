import { createTransport } from 'nodemailer';
import { BackupError } from '../domain/errors.js';
import type { MailChannel } from '../domain/notices/notification-channel.js';
import type { Notice } from '../domain/notices/notice.js';
import { counted } from '../domain/sentences.js';

const TIMEOUT_MS = 30_000;

/** Receivers that took a mail which others are to take yet, by its Message-ID: of another try they get none, as long as this process lives. */
const taken = new Map<string, ReadonlySet<string>>();
const MAX_TAKEN = 1_000;

/** Sends one mail to all receivers. Its Message-ID follows from the notice, so that a mail program shows one that came twice once. Whoever
 *  answers 4xx (greylisting, a full box) may take it later, 5xx is for good (RFC 5321, 4.2.1); one that may take it later decides.
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
  const messageId = `<${notice.id}.${channel.id}@longhaul>`;
  const done = taken.get(messageId) ?? new Set();
  try {
    const sent = (await transport.sendMail({
      from: channel.from,
      to: [...channel.to],
      envelope: {
        from: channel.from,
        to: channel.to.map(addressOf).filter((address) => !done.has(address)),
      },
      subject: `[Longhaul${notice.number > 0 ? ` #${notice.number}` : ''}] ${notice.subject}`,
      text: `${notice.lines.join('\n')}\n`,
      messageId,
      date: new Date(notice.at),
      headers: { 'Auto-Submitted': 'auto-generated' },
    })) as RefusedReceivers & { readonly accepted?: readonly string[] };
    const { rejected = [], rejectedErrors, accepted = [] } = sent;
    if (rejected.length > 0) {
      note(messageId, new Set([...done, ...accepted]));
      throw Object.assign(
        new Error(counted(rejected.length, 'receiver was refused', 'receivers were refused')),
        {
          ...{ responseCode: 550, rejectedErrors },
        },
      );
    }
    taken.delete(messageId);
  } catch (error) {
    throw refusal(channel.id, error);
  } finally {
    transport.close();
  }
}

/** Of `Anna <anna@example.com>` what the server is asked for. */
function addressOf(receiver: string): string {
  return /<([^<>]+)>$/.exec(receiver)?.[1] ?? receiver;
}

function note(messageId: string, receivers: ReadonlySet<string>): void {
  taken.delete(messageId);
  taken.set(messageId, receivers);
  const [oldest] = taken.keys();
  if (taken.size > MAX_TAKEN && oldest !== undefined) taken.delete(oldest);
}

/** What nodemailer says of receivers that the server did not take. */
interface RefusedReceivers {
  readonly rejected?: readonly unknown[];
  readonly rejectedErrors?: readonly MailFault[] | undefined;
}

interface MailFault extends RefusedReceivers {
  readonly responseCode?: number;
  readonly code?: string;
}

function refusal(channelId: string, error: unknown): BackupError {
  const fault = (error ?? {}) as MailFault;
  const passing = fault.rejectedErrors?.find((each) => (each.responseCode ?? 500) < 500);
  const { responseCode, code } = passing ?? fault;
  // A wrong name or password is answered 535, one that cannot be checked now 454.
  const isForGood = responseCode === undefined ? code === 'EENVELOPE' : responseCode >= 500;
  const words =
    responseCode === undefined ? (code ?? 'no answer') : `the server answers ${responseCode}`;
  return new BackupError(
    isForGood ? 'CHANNEL_REFUSED' : 'CHANNEL_UNREACHABLE',
    `channel ${channelId}: ${words}`,
  );
}
