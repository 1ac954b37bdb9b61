import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isBackupError } from '../../../src/domain/errors.js';
import {
  POST_KINDS,
  type MailChannel,
  type PostKind,
  type ToldChannel,
} from '../../../src/domain/notices/notification-channel.js';
import type { Notice } from '../../../src/domain/notices/notice.js';
import { deliver, ping, pingSession } from '../../../src/notify/deliver.js';
import { Receiver } from '../../support/notify/receiver.js';

const SECRET = 'T0p-s3cret';

const NOTICE: Notice = {
  ...{ id: 'alarm-2026-11-26T03-00-00-000Z', number: 7, kind: 'alarm', severity: 'error' },
  subject: 'Not well: <db07> & "café" are late',
  lines: ['db07 is 9 h late (COPY_LATE, for 3 h)', '  Start the job.', '.', 'From here on'],
  at: '2026-11-26T03:00:00.000Z',
};

const rules = { severity: 'error', jobs: null, digestAt: null, quietHours: null } as const;

let folder: string;
let receiver: Receiver;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-notify-'));
  receiver = await Receiver.start();
});
afterEach(async () => {
  await receiver.close();
  await rm(folder, { recursive: true });
});

async function fileWith(text: string): Promise<string> {
  const path = join(folder, `secret-${Math.random()}`);
  await writeFile(path, `${text}\n`);
  return path;
}

/** Code and text of what it throws; null: it was taken. */
async function refusalOf(delivery: Promise<void>): Promise<[code: string, text: string] | null> {
  try {
    await delivery;
    return null;
  } catch (error) {
    if (!isBackupError(error)) throw error;
    expect(JSON.stringify([error.message, error.details, String(error.cause)])).not.toContain(
      SECRET,
    );
    return [error.code, error.message];
  }
}

describe('a channel that is posted to', () => {
  const channelOf = async (kind: PostKind): Promise<ToldChannel> => ({
    ...{ ...rules, id: 'phone', kind },
    urlFile: await fileWith(receiver.url(`/hook/${SECRET}`)),
  });

  it.each(POST_KINDS)('gets subject and text in the words of %s', async (kind) => {
    await deliver(await channelOf(kind), NOTICE);
    const [{ path, headers, body }] = receiver.received as [(typeof receiver.received)[0]];
    expect(path).toBe(`/hook/${SECRET}`);
    expect(body).toContain('Start the job.');
    const title =
      kind === 'ntfy'
        ? Buffer.from(/\?B\?(.*)\?=/.exec(String(headers.title))?.[1] ?? '', 'base64').toString()
        : body;
    expect(title).toContain('#7');
    expect(title).toContain('café');
    if (kind === 'slack') expect(body).toContain('&lt;db07&gt; &amp;');
  });

  it('is shown the marks in a name that would break or turn its lines', async () => {
    const name = 'a\r\nSubject: all is well \u202eb';
    const told = { ...NOTICE, subject: name, lines: [`  ${name}`] };
    await deliver(await channelOf('gotify'), told);
    const { title, message } = JSON.parse(receiver.received[0]!.body) as Record<string, string>;
    const plain = 'a\\u000d\\u000aSubject: all is well \\u202eb';
    expect([title, message]).toEqual([`${plain} (#7)`, `  ${plain}`]);
  });

  it.each([
    [503, 'CHANNEL_UNREACHABLE'],
    [429, 'CHANNEL_UNREACHABLE'],
    [404, 'CHANNEL_REFUSED'],
    [301, 'CHANNEL_REFUSED'],
  ])('that answers %d throws %s, which names no address', async (status, code) => {
    receiver.answers = [status];
    const channel = await channelOf('slack');
    expect(await refusalOf(deliver(channel, NOTICE))).toEqual([
      code,
      `channel phone answers ${status}`,
    ]);
    await deliver(channel, NOTICE);
    expect(receiver.received).toHaveLength(1);
  });

  it('that is not there may be there later', async () => {
    const gone = await Receiver.start();
    const urlFile = await fileWith(gone.url(`/${SECRET}`));
    await gone.close();
    const refusal = await refusalOf(
      deliver({ ...rules, id: 'phone', kind: 'gotify', urlFile }, NOTICE),
    );
    expect(refusal).toEqual([
      'CHANNEL_UNREACHABLE',
      'channel phone: cannot be reached: ECONNREFUSED',
    ]);
  });

  it.each([SECRET, `ftp://127.0.0.1/${SECRET}`])(
    'whose file holds no address says so',
    async (text) => {
      const urlFile = await fileWith(text);
      const refusal = await refusalOf(
        deliver({ ...rules, id: 'phone', kind: 'ntfy', urlFile }, NOTICE),
      );
      expect(refusal?.[0]).toBe('CHANNEL_REFUSED');
    },
  );

  it('is called to show that Longhaul lives', async () => {
    const urlFile = await fileWith(receiver.url('/uuid'));
    await ping({ id: 'alive', kind: 'ping', urlFile, job: null });
    expect(receiver.received.map(({ path, body }) => [path, body])).toEqual([['/uuid', '']]);
  });

  // https://healthchecks.io/docs/http_api/: start, success and failure of a run, with its id.
  it('is told the start and the end of a session, in its own address', async () => {
    const urlFile = await fileWith(receiver.url('/ping/uuid/?create=1'));
    const check = { id: 'nightly', kind: 'ping', urlFile, job: 'nightly' } as const;
    for (const event of ['start', 'success', 'fail'] as const)
      await pingSession(check, { event, runId: RUN, text: 'db07: REPOSITORY_FULL' });
    expect(receiver.received.map(({ path }) => path)).toEqual([
      `/ping/uuid/start?create=1&rid=${RUN}`,
      `/ping/uuid?create=1&rid=${RUN}`,
      `/ping/uuid/fail?create=1&rid=${RUN}`,
    ]);
    expect(receiver.received.at(-1)?.body).toBe('db07: REPOSITORY_FULL');
  });
});

const RUN = '728b3763-ea80-4113-9fc0-f83bae1f2d2b';

describe('a channel of mail', () => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  /** A real mail server that hands over what it takes. */
  async function mailServer(
    options: SMTPServerOptions,
  ): Promise<{ channel: MailChannel; mails: string[] }> {
    const mails: string[] = [];
    const server = new SMTPServer({
      logger: false,
      onData(stream, _session, done) {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          mails.push(Buffer.concat(chunks).toString());
          done();
        });
      },
      ...options,
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    stops.push(() => new Promise((resolve) => server.close(() => resolve())));
    const { port } = server.server.address() as AddressInfo;
    const channel: MailChannel = {
      ...{ ...rules, id: 'mail', kind: 'mail', host: '127.0.0.1', port, security: 'none' },
      ...{ username: null, passwordFile: null, from: 'Longhaul <longhaul@example.com>' },
      to: ['night@example.com', 'day@example.com'],
    };
    return { channel, mails };
  }

  const OPEN: SMTPServerOptions = { authOptional: true, disabledCommands: ['STARTTLS'] };

  it('gets one mail for all, with a name that stays the same', async () => {
    const { channel, mails } = await mailServer(OPEN);
    await deliver(channel, NOTICE);
    await deliver(channel, NOTICE);
    expect(mails).toHaveLength(2);
    for (const mail of mails) {
      expect(mail).toContain('Message-ID: <alarm-2026-11-26T03-00-00-000Z.mail@longhaul>');
      expect(mail).toContain('To: night@example.com, day@example.com');
      expect(mail).toMatch(/^Subject: =\?UTF-8\?/m);
      expect(mail).toContain('db07 is 9 h late (COPY_LATE, for 3 h)\r\n  Start the job.\r\n.\r\n');
    }
  });

  it('that is greylisted takes it at the next try', async () => {
    let tries = 0;
    const { channel, mails } = await mailServer({
      ...OPEN,
      onRcptTo(_address, _session, done) {
        const later = Object.assign(new Error('greylisted'), { responseCode: 451 });
        done(tries++ < 2 ? later : null);
      },
    });
    expect((await refusalOf(deliver(channel, NOTICE)))?.[0]).toBe('CHANNEL_UNREACHABLE');
    expect(await refusalOf(deliver(channel, NOTICE))).toBeNull();
    expect(mails).toHaveLength(1);
  });

  it('that greylists one receiver is tried again for that one alone, whatever the other is answered', async () => {
    const answers = new Map<string, number | null>([['night@example.com', 451]]);
    const asked: string[] = [];
    const { channel, mails } = await mailServer({
      ...OPEN,
      onRcptTo({ address }, _session, done) {
        asked.push(address);
        const responseCode = answers.get(address) ?? null;
        done(responseCode === null ? null : Object.assign(new Error('no'), { responseCode }));
      },
    });
    const notice = { ...NOTICE, id: 'alarm-greylisted' };
    const later = ['CHANNEL_UNREACHABLE', 'channel mail: the server answers 451'];
    expect(await refusalOf(deliver(channel, notice))).toEqual(later);
    answers.clear();
    expect(await refusalOf(deliver(channel, notice))).toBeNull();
    expect(asked).toEqual(['night@example.com', 'day@example.com', 'night@example.com']);
    expect(mails).toHaveLength(2);
    answers.set('night@example.com', 451).set('day@example.com', 550);
    expect(await refusalOf(deliver(channel, { ...NOTICE, id: 'alarm-mixed' }))).toEqual(later);
  });

  it('that knows no such receiver refuses for good', async () => {
    const { channel } = await mailServer({
      ...OPEN,
      onRcptTo: (_address, _session, done) =>
        done(Object.assign(new Error('no such user'), { responseCode: 550 })),
    });
    expect(await refusalOf(deliver(channel, NOTICE))).toEqual([
      'CHANNEL_REFUSED',
      'channel mail: the server answers 550',
    ]);
  });

  it('is given name and password, and a wrong one is told without it', async () => {
    const { channel, mails } = await mailServer({
      allowInsecureAuth: true,
      disabledCommands: ['STARTTLS'],
      onAuth({ username, password }, _session, done) {
        if (username === 'longhaul' && password === SECRET) done(null, { user: 1 });
        else done(Object.assign(new Error('no'), { responseCode: 535 }));
      },
    });
    const named = { ...channel, username: 'longhaul', passwordFile: await fileWith(SECRET) };
    await deliver(named, NOTICE);
    expect(mails).toHaveLength(1);
    const wrong = { ...named, passwordFile: await fileWith(`${SECRET}x`) };
    expect((await refusalOf(deliver(wrong, NOTICE)))?.[0]).toBe('CHANNEL_REFUSED');
  });

  it('that cannot do STARTTLS gets nothing in clear', async () => {
    const { channel, mails } = await mailServer(OPEN);
    const refusal = await refusalOf(deliver({ ...channel, security: 'starttls' }, NOTICE));
    expect(refusal).not.toBeNull();
    expect(mails).toEqual([]);
  });

  it('that hangs up may be there later', async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    stops.push(() => new Promise((resolve) => server.close(() => resolve())));
    const { channel } = await mailServer(OPEN);
    const { port } = server.address() as AddressInfo;
    expect((await refusalOf(deliver({ ...channel, port }, NOTICE)))?.[0]).toBe(
      'CHANNEL_UNREACHABLE',
    );
  });
});
