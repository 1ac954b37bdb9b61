/** Shapes of repositories, workloads, restore points and operations in requests and answers. */

import { z } from 'zod';
import type { RepositoryConfig } from '../../config/config.js';
import { KIND_SETTINGS } from '../../config/repository-storage.js';
import type { ErrorCode } from '../../domain/errors.js';
import type { Growth } from '../../domain/targets/growth.js';
import type { RestoreInput } from '../../../workflows/messages.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import type {
  RepositoryDescription,
  RestorePointView,
  StoredJob,
  WorkloadSummary,
} from '../../domain/targets/repository-view.js';
import type { StorageProbe } from '../../domain/targets/storage-probe.js';
import type { OperationStatus } from '../../domain/sessions/operation.js';
import type { StorageHold } from '../../domain/sessions/storage-wait.js';
import { RESTORE_FORMATS } from '../../domain/targets/restore-format.js';
import { WORKLOAD_ID_LENGTH } from '../../domain/sources/workload-id.js';
import { instant, pageName, slug } from '../field-schemas.js';
import { errorCodeSchema, storageHoldSchema } from '../sessions/session-schemas.js';

/** A configured repository and what its workers say. */
export interface RepositoryView
  extends
    Pick<
      RepositoryConfig,
      | 'id'
      | 'kind'
      | 'role'
      | 'taskLimit'
      | 'workloadLimit'
      | 'immutableForDays'
      | 'settleSeconds'
      | 'contents'
    >,
    RepositoryDescription {
  readonly place: string;
  readonly folder: string | null;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Data activities that run there now; null: no worker reports. */
  readonly usedSlots: number | null;
}

/** Whatever takes long and is followed by its id. */
export interface OperationView extends OperationStatus {
  readonly id: string;
  /** Several have one id: each check of a repository, each change of the same copies. */
  readonly runId: string;
  readonly kind: (typeof OPERATION_KINDS)[number];
  readonly repositoryId: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** False: no worker answered, so the progress is missing. */
  readonly live: boolean;
  /** Storage that a step of it waits for; absent: none does, or not for long, or it stands in a list. */
  readonly waits?: StorageHold;
}

/** Body of a restore request. */
export interface RestoreRequest {
  readonly destination: { readonly path: RestoreInput['destinationPath'] };
  readonly format: RestoreInput['format'];
  readonly disks?: string[] | undefined;
  readonly layout: boolean;
  readonly intoExisting: boolean;
}

const storageSchema: z.ZodType<StorageProbe> = z
  .object({
    probedAt: instant,
    abilities: z
      .object({
        readAfterWrite: z.boolean(),
        renameOver: z.boolean(),
        fileSync: z.boolean(),
        folderSync: z.boolean(),
        sparseFiles: z.boolean().nullable(),
        caseSensitive: z.boolean(),
        accentSensitive: z.boolean(),
        modifiedTimeStepNs: z.int(),
        longestNameBytes: z.int(),
      })
      .meta({ id: 'StorageAbilities' })
      .nullable(),
    faults: z
      .array(z.string())
      .meta({ description: 'Why nothing can be copied here; empty: it can.' }),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'StorageProbe' });

const growthSchema: z.ZodType<Growth> = z
  .object({
    since: z.string().meta({ description: 'First day that counts.' }),
    samples: z.int().meta({ description: 'Days that were looked at.' }),
    bytesPerDay: z.int().meta({ description: 'Of the used room; negative: it shrinks.' }),
    leastBytesPerDay: z.int(),
    mostBytesPerDay: z.int().meta({
      description: 'With a probability of nine in ten it lies between the two.',
    }),
    fullAt: instant.nullable().meta({ description: 'null: not within ten years.' }),
    earliestFullAt: instant.nullable(),
    latestFullAt: instant.nullable(),
  })
  .meta({ id: 'Growth' });

const [ownSettings, ...othersSettings] = KIND_SETTINGS.map(({ kind, settings }) =>
  z.object(settings).meta({ id: `${kind.charAt(0).toUpperCase()}${kind.slice(1)}Settings` }),
);
const settingsSchema: z.ZodType<RepositoryView['settings']> = z
  .union([ownSettings!, ...othersSettings])
  .meta({ description: 'Settings of its kind, as configured.' });

export const repositoryViewSchema: z.ZodType<RepositoryView> = z
  .object({
    id: slug,
    kind: z.enum(KIND_SETTINGS.map(({ kind }) => kind)),
    place: z.string().meta({ description: 'Where it is.' }),
    folder: z.string().nullable().meta({
      description: 'Folder on the machines of its workers that holds its files; null: none does.',
    }),
    settings: settingsSchema,
    role: z.enum(['primary', 'target', 'external']),
    taskLimit: z.int(),
    workloadLimit: z.int(),
    settleSeconds: z.int(),
    immutableForDays: z.int(),
    contents: z.enum(['backups', 'dated-tree', 'storeonce']).meta({
      description:
        '`dated-tree`: folders of dates are copies of file shares. `storeonce`: mirror jobs copy it as a whole.',
    }),
    usedSlots: z.int().nullable(),
    reachable: z.boolean(),
    reason: z.string().nullable(),
    totalBytes: z.int().nullable(),
    freeBytes: z.int().nullable(),
    storage: storageSchema.nullable(),
    markerId: z.string().nullable().meta({
      description: 'Id in the marker file of a target; null: it has none yet.',
    }),
    growth: growthSchema.nullable().meta({
      description: 'How fast a target fills; null: too little is known.',
    }),
  })
  .meta({ id: 'Repository' });

export const unreadableSchema: z.ZodType<UnreadablePart> = z
  .object({
    path: z.string(),
    code: errorCodeSchema,
    reason: z.string(),
  })
  .meta({ id: 'UnreadablePart' });

/** Answer of a list that shows what is known when a part of it cannot be read. */
export function browsedPageSchema<Item>(item: z.ZodType<Item>): z.ZodType<{
  items: Item[];
  nextCursor?: string | undefined;
  unreadable?: UnreadablePart[] | undefined;
}> {
  return z
    .object({
      items: z.array(item),
      nextCursor: z.string().optional(),
      unreadable: z.array(unreadableSchema).optional().meta({
        description:
          'What could not be read or asked and is missing from the list for that: a chain, a job definition, a record, a lease, the sessions of the jobs. With the first page only; of tasks, audit lines and what is shown of restore points, with each page what stands in its place.',
      }),
    })
    .meta({ id: pageName(item) });
}

export const workloadType = z.string();

export const storedJobSchema: z.ZodType<StoredJob> = z
  .object({
    id: z.string(),
    name: z.string(),
    workloadCount: z.int(),
    restorePointCount: z.int(),
    newestAt: instant.nullable().meta({
      description:
        'When the source made the newest of them: how old the copies of a job are that nobody runs.',
    }),
    sessionCount: z.int(),
    lastSession: z
      .object({ id: z.string(), result: z.string().nullable(), endedAt: z.string().nullable() })
      .meta({ id: 'StoredSessionEnd' })
      .nullable(),
    once: z
      .object({
        restorePointId: z.string().nullable(),
        expiresAt: instant.nullable().meta({ description: 'null: it stays until it is removed.' }),
      })
      .meta({ id: 'OneTime', description: 'It is a one-time copy; null: it is none.' })
      .nullable(),
    detached: z
      .object({ fromJobId: z.string(), at: instant })
      .meta({ id: 'Detached', description: 'It was taken from a job; null: it was not.' })
      .nullable(),
    storedBytes: z.int().meta({ description: 'Of the files of its restore points.' }),
  })
  .meta({ id: 'StoredJob' });

export const workloadSchema: z.ZodType<WorkloadSummary> = z
  .object({
    id: z.string(),
    name: z.string(),
    type: workloadType,
    jobId: z.string().nullable(),
    restorePointCount: z.int(),
    newestAt: instant.nullable(),
    problem: z.string().nullable(),
    doubt: z.string().nullable().meta({
      description:
        'Why it may be two machines with one id, whose folders take turns: it is copied as one; null: nothing looks so.',
    }),
  })
  .meta({ id: 'RepositoryWorkload' });

export const restorePointSchema: z.ZodType<RestorePointView> = z
  .object({
    id: z.string(),
    workload: z.string(),
    workloadType,
    jobId: z.string().nullable(),
    createdAt: instant,
    copiedAt: instant.nullable(),
    kind: z.enum(['full', 'increment', 'log', 'snapshot']),
    parentId: z.string().nullable(),
    chainId: z.string().nullable(),
    complete: z.boolean(),
    state: z.enum(['complete', 'inProgress', 'incomplete', 'broken', 'unknown']),
    reason: z.string().nullable(),
    lookAgainAt: instant.nullable(),
    health: z.enum(['good', 'corrupt', 'unknown']),
    verifiedAt: instant.nullable().meta({
      description:
        'When every byte of its disk files was last read and compared with its digest; a copy reads back what it writes.',
    }),
    retention: z.array(z.enum(['weekly', 'monthly', 'yearly'])),
    keptUntil: instant.nullable().meta({
      description:
        'First instant at which retention may let it go, as long as its source goes on to make new ones; null: no calendar decides it (a number of points), or nothing is known.',
    }),
    keptBecause: z.array(z.string()),
    files: z.array(
      z
        .object({ disk: z.string(), path: z.string(), format: z.string(), sizeBytes: z.int() })
        .meta({ id: 'RestorePointFile' }),
    ),
    source: z
      .object({ repositoryId: z.string(), restorePointId: z.string() })
      .meta({ id: 'RestorePointSource' })
      .nullable(),
  })
  .meta({ id: 'RestorePoint' });

export const cursorQuerySchema = z.strictObject({ cursor: z.string().max(4_000).optional() });

/** What takes long and is followed by its id. */
export const OPERATION_KINDS = ['verify', 'restore', 'remove', 'map', 'detach'] as const;

export const operationQuerySchema = z.strictObject({
  kind: z.enum(OPERATION_KINDS).optional(),
  repositoryId: slug.optional(),
  state: z.enum(['running', 'ended']).optional(),
  cursor: z.string().max(4_000).optional(),
});

export const operationRunSchema = z.strictObject({
  run: z
    .uuid()
    .optional()
    .meta({ description: '`runId` of one of several with this id. Default: the newest.' }),
});

export const restorePointQuerySchema = z.strictObject({
  workload: z.string().min(1).max(WORKLOAD_ID_LENGTH).optional(),
  cursor: z.string().max(4_000).optional(),
});

export const removeRequestSchema = z
  .strictObject({
    mode: z.enum(['delete', 'setAside']).meta({
      description:
        '`delete`: the files go. `setAside`: the point is listed no more, and its files lie in the quarantine of its chain.',
    }),
    withDependents: z.boolean().default(false).meta({
      description: 'Whether what builds on it goes with it; otherwise that is refused.',
    }),
  })
  .meta({ id: 'RemoveRequest' });

export const restoreRequestSchema: z.ZodType<RestoreRequest> = z
  .strictObject({
    destination: z
      .strictObject({
        path: z.string().min(1).max(4_096).meta({
          description: 'Absolute path of an empty or new folder on the machine of the worker.',
        }),
      })
      .meta({ id: 'RestoreDestination' }),
    format: z.enum(RESTORE_FORMATS).default('same').meta({
      description:
        'same: whole files of the format that the copy has, none building on another; raw: the disks as they are; qcow2: each as one file of that format. Both also of disks within archives (VMA, OVA) and streams (VMDK).',
    }),
    disks: z.array(z.string().min(1).max(255)).min(1).max(1_000).optional().meta({
      description:
        'Names of the disks that are wanted; with raw and qcow2 also of disks within archives (`drive-scsi0`); without it: all.',
    }),
    layout: z.boolean().default(false).meta({
      description:
        'Put the files where the backup tool looks for them, in its tree and under its names, with their times and modes. Of the whole restore point, in the format `same`.',
    }),
    intoExisting: z.boolean().default(false).meta({
      description: 'Whether the folder may hold other files; none of them is ever overwritten.',
    }),
  })
  .refine(({ layout, format, disks }) => !layout || (format === 'same' && disks === undefined), {
    path: ['layout'],
    message: 'goes with all disks of a restore point, in the format `same`',
  })
  .meta({ id: 'RestoreRequest' });

export const operationStartedSchema: z.ZodType<{ operationId: string }> = z
  .object({
    operationId: z.string(),
  })
  .meta({ id: 'OperationStarted' });

const operationErrorCode: z.ZodType<ErrorCode | null> = errorCodeSchema.nullable();

export const operationSchema: z.ZodType<OperationView> = z
  .object({
    id: z.string(),
    runId: z.string().meta({
      description: 'Of several with one id, which: goes into `run` of the address.',
    }),
    kind: z.enum(OPERATION_KINDS),
    repositoryId: slug,
    startedAt: instant,
    endedAt: instant.nullable(),
    live: z.boolean(),
    waits: storageHoldSchema.optional().meta({
      description:
        'Storage that it waits for and that does not answer; absent: none, and in lists.',
    }),
    state: z.enum(['running', 'ended']),
    result: z.enum(['success', 'warning', 'failed', 'stopped']).nullable(),
    processedBytes: z.int(),
    totalBytes: z.int(),
    code: operationErrorCode,
    reason: z.string().nullable(),
    notes: z.array(z.string()),
    omittedNotes: z
      .int()
      .meta({ description: 'Notes that are left out, because there were too many.' }),
  })
  .meta({ id: 'Operation' });
