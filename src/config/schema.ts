/** The one schema of the configuration: file and environment are checked with it, and the table in docs/OPERATIONS.md is rendered from it.
 *  Rules that span several settings are in `cross-checks.ts`. */

import { isIP } from 'node:net';
import { z } from 'zod';
import { notificationsSchema } from './notification-schema.js';
import { primaryBackupsSchema } from './primary-backup-schema.js';
import { KIND_SETTINGS } from './repository-storage.js';
import { filePath, PATH_ALLOWED, port, SLUG } from './setting-schemas.js';
import { signInSchema } from './sign-in-schema.js';
import type {
  CopyConfig,
  LonghaulConfig,
  RepositoryConfig,
  ServerConfig,
  TemporalConfig,
} from './config.js';

const serverSchema: z.ZodType<ServerConfig> = z.strictObject({
  address: z
    .string()
    .regex(/^[A-Za-z0-9.:-]+$/)
    .refine((address) => isIP(address) !== 0 || !/^[\d.]+$/.test(address), 'no such IP address')
    .default('127.0.0.1')
    .meta({ description: 'Address to listen on.', allowed: 'an IP address or host name' }),
  port: port({
    description: 'Port of API and dashboard.',
    allowed: '0 to 65535; 0: a free port',
  }).default(8420),
  tokenFile: filePath({
    description:
      'File that holds the bearer token. Required when the address is not loopback; without it the server answers to loopback only.',
    allowed: PATH_ALLOWED,
  })
    .nullable()
    .default(null),
  signIn: signInSchema,
});

const embeddedTemporalSchema = z.strictObject({
  type: z.literal('embedded').meta({
    description:
      'Where Temporal runs. `temporal: embedded` is short for this with its defaults; an `address` implies `external`.',
    allowed: '`embedded` or `external`',
  }),
  binaryPath: filePath({
    description: 'Embedded: the Temporal program. Unset: `temporal` on PATH.',
    allowed: PATH_ALLOWED,
  })
    .nullable()
    .default(null),
  port: port({
    description: 'Embedded: port of the Temporal server, loopback only.',
    allowed: '0 to 65535; 0: a free port',
  }).default(7233),
  uiPort: port({
    description: 'Embedded: port of the Temporal web interface, loopback only.',
    allowed: '0 to 65535; 0: a free port',
  }).default(8233),
});

const tlsSchema = z.strictObject({
  serverName: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .meta({ description: 'External: name expected in the certificate.', allowed: 'a host name' }),
  caFile: filePath({
    description: 'External: certificate authority of the server. Unset: those of the system.',
    allowed: PATH_ALLOWED,
  })
    .nullable()
    .default(null),
  certFile: filePath({ description: 'External: client certificate.', allowed: PATH_ALLOWED })
    .nullable()
    .default(null),
  keyFile: filePath({
    description: 'External: key of the client certificate.',
    allowed: PATH_ALLOWED,
  })
    .nullable()
    .default(null),
});

const externalTemporalSchema = z.strictObject({
  type: z.literal('external'),
  address: z
    .string()
    .regex(/^[^\s:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/, 'not of the form host:port')
    .meta({ description: 'External: address of the Temporal frontend.', allowed: '`host:port`' }),
  namespace: z
    .string()
    .min(1)
    .default('default')
    .meta({ description: 'External: Temporal namespace.', allowed: 'an existing namespace' }),
  tls: tlsSchema.nullable().default(null),
  apiKeyFile: filePath({
    description: 'External: file that holds the API key.',
    allowed: PATH_ALLOWED,
  })
    .nullable()
    .default(null),
});

const temporalSchema: z.ZodType<TemporalConfig> = z.discriminatedUnion('type', [
  embeddedTemporalSchema,
  externalTemporalSchema,
]);

const COMMON_SETTINGS = {
  role: z.enum(['primary', 'target', 'external']).meta({
    description:
      '`primary`: read, never written. `target`: written by copy jobs. `external`: read-only, never a target.',
    allowed: '`primary`, `target` or `external`',
  }),
  taskLimit: z.int().min(1).max(64).default(4).meta({
    description: 'Data activities at once in this repository, per worker process.',
    allowed: '1 to 64',
  }),
  workloadLimit: z.int().min(1).max(500).default(10).meta({
    description:
      'Workloads that are copied to this repository or verified in it at once, per worker process. The others wait for their turn, which comes in the order in which they began to wait; a turn lasts 15 minutes while others wait.',
    allowed: '1 to 500',
  }),
  immutableForDays: z.int().min(0).max(36_500).default(0).meta({
    description:
      'Days during which nothing committed here is merged, deleted or replaced; 0: none.',
    allowed: '0 to 36500; more than 0 only with role `target`',
  }),
  settleSeconds: z.int().min(0).max(86_400).default(60).meta({
    description:
      'Seconds without a change after which a restore point that its backup tool says nothing of is taken for whole; ten times as long when a disk seems to be missing. 0: what is there is taken.',
    allowed: '0 to 86400',
  }),
  contents: z.enum(['backups', 'dated-tree', 'storeonce']).default('backups').meta({
    description:
      'What lies in it. `dated-tree`: copies of file shares, a folder for each date (`rsync --link-dest`), in the root or in folders below it; what else lies there is looked into as with `backups`. `storeonce`: a NAS share or a mounted Catalyst store of HPE StoreOnce, which mirror jobs copy as a whole, file by file; nothing looks into its files, and no other job copies them.',
    allowed: '`backups`, `dated-tree` (not of a target) or `storeonce`',
  }),
};

function entrySchema({ kind, settings }: (typeof KIND_SETTINGS)[number]) {
  return z.strictObject({
    id: z.string().regex(SLUG).meta({
      description: 'Name of the repository in jobs and addresses; never change it.',
      allowed: '1 to 63 lower-case letters, digits and inner hyphens; unique',
    }),
    kind: z.literal(kind).meta({
      description: 'How the bytes are stored (Kinds of storage).',
      allowed: KIND_SETTINGS.map((row) => `\`${row.kind}\``).join(', '),
    }),
    ...settings,
    ...COMMON_SETTINGS,
  });
}

const [firstEntry, ...otherEntries] = KIND_SETTINGS.map(entrySchema);
export const repositorySchema = z.discriminatedUnion('kind', [
  firstEntry!,
  ...otherEntries,
]) as unknown as z.ZodType<RepositoryConfig>;

const copySchema: z.ZodType<CopyConfig> = z.strictObject({
  heartbeatTimeoutSeconds: z.int().min(2).max(3_600).default(30).meta({
    description:
      'Without a sign of life for so long, a task is given to another worker. Longer than a planned restart of the Temporal server.',
    allowed: '2 to 3600',
  }),
  batchBlocks: z.int().min(256).max(1_048_576).multipleOf(256).default(65_536).meta({
    description:
      'Blocks of 64 KiB that one activity copies. Fewer make a session stop and show progress sooner, more make its history shorter.',
    allowed: '256 to 1048576, a multiple of 256',
  }),
  parallelWorkloads: z.int().min(1).max(500).default(20).meta({
    description:
      'Workloads of one session at work at once. One that only waits for its source to be whole does not count, the first four times.',
    allowed: '1 to 500',
  }),
  unavailableLimitMinutes: z.int().min(30).max(10_080).default(1_440).meta({
    description:
      'A batch that is not copied after so long, with all its attempts, fails the copy of a workload: storage that does not answer, or is too slow for `batchBlocks`.',
    allowed: '30 to 10080',
  }),
});

export const configSchema: z.ZodType<LonghaulConfig> = z.strictObject({
  server: serverSchema.prefault({}),
  stateDirectory: filePath({
    description: 'Embedded Temporal’s file, the server’s lock and caches; never backup data.',
    allowed: `${PATH_ALLOWED}; outside every repository`,
  }).default('./state'),
  temporal: temporalSchema,
  repositories: z.array(repositorySchema).min(1).max(1_000).meta({
    description: 'The repositories.',
    allowed: '1 to 1000 entries with `id`, `role` and what their kind asks for',
  }),
  copy: copySchema.prefault({}),
  notifications: notificationsSchema.prefault({}),
  primaryBackups: primaryBackupsSchema.default([]),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info').meta({
    description: 'Least severe messages that are logged.',
    allowed: '`debug`, `info`, `warn` or `error`',
  }),
});
