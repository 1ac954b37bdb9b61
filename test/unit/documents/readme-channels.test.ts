import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load-config.js';
import type { Notice } from '../../../src/domain/notices/notice.js';
import { deliver, ping } from '../../../src/notify/deliver.js';
import { Receiver } from '../../support/notify/receiver.js';
import { codeBlocks, readDocument } from './markdown.js';

const ALARM: Notice = {
  ...{ id: 'alarm-2026-11-26T03-00-00-000Z', number: 1, kind: 'alarm', severity: 'error' },
  subject: 'Not well: db07 is late',
  lines: ['db07 is 9 h late'],
  at: '2026-11-26T03:00:00.000Z',
};

let folder: string;
let receiver: Receiver;
let server: SMTPServer;
const recipients: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-readme-'));
  receiver = await Receiver.start();
  server = new SMTPServer({
    ...{ authOptional: true, disabledCommands: ['STARTTLS'] },
    onData(stream, { envelope }, done) {
      recipients.push(...envelope.rcptTo.map(({ address }) => address));
      stream.resume().on('end', () => done());
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
});
afterEach(async () => {
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await receiver.close();
  await rm(folder, { recursive: true });
});

it('the lines of the README that wake somebody reach him, and the check that watches Longhaul', async () => {
  const [repositories = '', wakeMe = ''] = codeBlocks(readDocument('README.md'), 'yaml');
  expect(wakeMe.trim().split('\n').length).toBeLessThanOrEqual(5);
  await writeFile(join(folder, 'alive-url'), `${receiver.url('/uuid')}\n`);
  const { notifications } = parseConfig(`${repositories}\n${wakeMe}`, {
    ...{ name: 'README.md', folder, environment: {} },
  });

  for (const channel of notifications.channels)
    if (channel.kind === 'ping') await ping(channel);
    // Its server is an example; the mail goes to one that is there.
    else if (channel.kind === 'mail')
      await deliver(
        {
          ...{ ...channel, host: '127.0.0.1', security: 'none' },
          port: (server.server.address() as AddressInfo).port,
        },
        ALARM,
      );

  expect(recipients).toEqual(['night@example.com']);
  expect(receiver.received.map(({ path }) => path)).toEqual(['/uuid']);
});
