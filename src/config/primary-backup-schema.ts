/** The section `primaryBackups` of the configuration. */

import { z } from 'zod';
import type { PrimaryBackup } from '../domain/jobs/primary-backup.js';
import { filePath, PATH_ALLOWED, SLUG } from './setting-schemas.js';

const primaryBackupSchema: z.ZodType<PrimaryBackup> = z.strictObject({
  id: z.string().regex(SLUG).meta({
    description: 'Name of the program in file-backup jobs; never change it.',
    allowed: '1 to 63 lower-case letters, digits and inner hyphens; unique',
  }),
  kind: z
    .enum(['restic'])
    .default('restic')
    .meta({ description: 'What makes the backups.', allowed: '`restic`' }),
  program: z.string().min(1).default('restic').meta({
    description: 'The program: a name on PATH of the worker, or an absolute path.',
    allowed: 'a name or a path',
  }),
  repositoryId: z.string().regex(SLUG).meta({
    description: 'Repository that it writes to.',
    allowed: 'id of an entry of `repositories`, not one of role `target`',
  }),
  folder: z
    .string()
    .regex(/^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$))[^\0]+$/)
    .default('.')
    .meta({
      description: 'Folder of the repository of the program within it; it must be there already.',
      allowed: 'a path within the repository; `.`: the repository itself',
    }),
  passwordFile: filePath({
    description: 'File that holds the password of the repository of the program.',
    allowed: PATH_ALLOWED,
  }),
  paths: z.array(z.string().regex(/^\//)).min(1).max(1_000).meta({
    description: 'What is backed up, on the machine of the worker that serves the repository.',
    allowed: '1 to 1000 absolute paths',
  }),
  excludes: z
    .array(z.string().min(1))
    .max(1_000)
    .default([])
    .meta({ description: 'What is left out.', allowed: 'patterns of the program' }),
});

export const primaryBackupsSchema = z
  .array(primaryBackupSchema)
  .max(100)
  .refine((list) => new Set(list.map(({ id }) => id)).size === list.length, 'two have one id')
  .meta({
    description: 'Programs that make the backups of file-backup jobs. Jobs name one by its id.',
    allowed: 'at most 100 entries',
  });
