/** The section `notifications` of the configuration. */

import { z } from 'zod';
import {
  POST_KINDS,
  type NotificationChannel,
  type NotificationSettings,
} from '../domain/notices/notification-channel.js';
import { filePath, PATH_ALLOWED, port, SLUG } from './setting-schemas.js';

const id = z.string().regex(SLUG).meta({
  description: 'Name of the channel; never change it.',
  allowed: '1 to 63 lower-case letters, digits and inner hyphens; unique',
});

const time = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/);

const rules = {
  id,
  severity: z.enum(['error', 'unknown', 'warning']).default('error').meta({
    description: 'The least grave that is told (What is wrong, below).',
    allowed: '`error`, `unknown` or `warning`',
  }),
  jobs: z.array(z.string().min(1)).min(1).max(1_000).nullable().default(null).meta({
    description:
      'Only what concerns these jobs, their copies, targets and sources. Unset: everything.',
    allowed: 'ids of jobs, also of file-backup jobs',
  }),
  digestAt: time.nullable().default(null).meta({
    description:
      'When the state of the day is sent, well or not, in the time zone of the server. Unset: never.',
    allowed: '`HH:MM`',
  }),
  quietHours: z
    .strictObject({
      from: time.meta({ description: 'When they begin.', allowed: '`HH:MM`' }),
      to: time.meta({
        description: 'When they end; of the next day when it is not later.',
        allowed: '`HH:MM`',
      }),
    })
    .refine(({ from, to }) => from !== to, 'from and to must differ')
    .nullable()
    .default(null)
    .meta({
      description:
        'Hours of every day, in the time zone of the server, in which it is told nothing; what began and ended meanwhile is told when they end. Unset: none.',
      allowed: '`{ from, to }`',
    }),
};

const kind = <Kind extends string>(name: Kind) =>
  z.literal(name).meta({
    description: 'How it is reached.',
    allowed: ['mail', 'webhook', ...POST_KINDS, 'ping'].map((each) => `\`${each}\``).join(', '),
  });

const urlFile = filePath({
  description:
    'File that holds the address (`https://…`), which is a secret with most services. For `ping` the address of a check in the dialect of Healthchecks.',
  allowed: PATH_ALLOWED,
});

const mailAddress = z.string().regex(/^[^\r\n]*[^\s@<>]+@[^\s@<>]+>?$/);

const mailSchema = z.strictObject({
  ...rules,
  kind: kind('mail'),
  host: z
    .string()
    .regex(/^[A-Za-z0-9.:-]+$/)
    .meta({ description: 'Mail: server that takes it.', allowed: 'a host name or address' }),
  port: port({ description: 'Mail: its port.', allowed: '1 to 65535' }).default(587),
  security: z.enum(['tls', 'starttls', 'none']).default('starttls').meta({
    description: 'Mail: `tls` from the first byte, `starttls` required, or `none`: in clear.',
    allowed: '`tls`, `starttls` or `none`',
  }),
  username: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .meta({ description: 'Mail: name to log in with.', allowed: 'text' }),
  passwordFile: filePath({
    description: 'Mail: file that holds the password.',
    allowed: PATH_ALLOWED,
  })
    .nullable()
    .default(null),
  from: mailAddress.meta({ description: 'Mail: sender.', allowed: 'a mail address' }),
  to: z
    .array(mailAddress)
    .min(1)
    .max(50)
    .meta({ description: 'Mail: receivers.', allowed: '1 to 50 mail addresses' }),
});

const webhookSchema = z.strictObject({
  ...rules,
  kind: kind('webhook'),
  urlFile,
  secretFile: filePath({
    description: 'Webhook: file that holds the signing secret (`whsec_` and base64).',
    allowed: PATH_ALLOWED,
  }),
});

const postSchemas = POST_KINDS.map((name) =>
  z.strictObject({ ...rules, kind: kind(name), urlFile }),
);

const pingSchema = z.strictObject({
  id,
  kind: kind('ping'),
  urlFile,
  job: z.string().regex(SLUG).nullable().default(null).meta({
    description:
      'Ping: it is called at the start and the end of each session of this job, or run of this file-backup job, with `/start`, nothing or `/fail` behind its address. Unset: at each look of Longhaul at itself.',
    allowed: 'id of a job',
  }),
});

const channelSchema: z.ZodType<NotificationChannel> = z.discriminatedUnion('kind', [
  mailSchema,
  webhookSchema,
  ...postSchemas,
  pingSchema,
]);

export const notificationsSchema: z.ZodType<NotificationSettings> = z.strictObject({
  watchSeconds: z.int().min(10).max(3_600).default(300).meta({
    description: 'Seconds between two looks at whether all is well.',
    allowed: '10 to 3600',
  }),
  holdSeconds: z.int().min(0).max(86_400).default(300).meta({
    description: 'Seconds that something must be wrong, or well again, before it is told.',
    allowed: '0 to 86400',
  }),
  channels: z
    .array(channelSchema)
    .max(100)
    .refine((list) => new Set(list.map((each) => each.id)).size === list.length, 'two have one id')
    .default([])
    .meta({ description: 'Where it is told.', allowed: 'at most 100 entries' }),
});
