/** The configuration of one Longhaul server, frozen after `loadConfig`. Shapes of `docs/OPERATIONS.md`, Configuration. */

import type { NotificationSettings } from '../domain/notices/notification-channel.js';
import type { PrimaryBackup } from '../domain/jobs/primary-backup.js';
import type { SignInSettings } from '../domain/access/sign-in.js';
import type { StorageSettings } from '../repository/repository-kind.js';

type RepositoryRole = 'primary' | 'target' | 'external';

type RepositoryContents = 'backups' | 'dated-tree' | 'storeonce';

/** With the settings of its kind, which only the row of the kind understands (`repository-storage.ts`). */
export interface RepositoryConfig extends StorageSettings {
  readonly id: string;
  /** `primary`: read, never written. `target`: written by copy jobs. `external`: read-only, never a target. */
  readonly role: RepositoryRole;
  /** Data activities at once. */
  readonly taskLimit: number;
  /** Workloads that are copied or verified at once; the others wait for their turn. */
  readonly workloadLimit: number;
  /** Days during which nothing committed here is merged, deleted or replaced; 0: none. */
  readonly immutableForDays: number;
  /** Seconds without a change after which a restore point that its tool says nothing of is taken for whole; 0: at once. */
  readonly settleSeconds: number;
  /** `dated-tree`: folders of dates are copies of file shares. `storeonce`: an appliance that mirror jobs copy as a whole. */
  readonly contents: RepositoryContents;
}

export interface ServerConfig {
  readonly address: string;
  readonly port: number;
  /** null: loopback only. */
  readonly tokenFile: string | null;
  /** null: tokens alone. */
  readonly signIn: SignInSettings | null;
}

export type TemporalConfig =
  | {
      readonly type: 'embedded';
      readonly binaryPath: string | null;
      readonly port: number;
      readonly uiPort: number;
    }
  | {
      readonly type: 'external';
      readonly address: string;
      readonly namespace: string;
      readonly tls: {
        readonly serverName: string | null;
        readonly caFile: string | null;
        readonly certFile: string | null;
        readonly keyFile: string | null;
      } | null;
      readonly apiKeyFile: string | null;
    };

/** Delays and sizes of copy sessions (`CopySettings`), in the units of an administrator. */
export interface CopyConfig {
  readonly heartbeatTimeoutSeconds: number;
  /** Blocks of 64 KiB in one activity. */
  readonly batchBlocks: number;
  readonly parallelWorkloads: number;
  readonly unavailableLimitMinutes: number;
}

export interface LonghaulConfig {
  readonly server: ServerConfig;
  /** Embedded Temporal's file, lock and caches; never backup data. Absolute after loading. */
  readonly stateDirectory: string;
  readonly temporal: TemporalConfig;
  readonly repositories: readonly RepositoryConfig[];
  readonly copy: CopyConfig;
  readonly notifications: NotificationSettings;
  readonly primaryBackups: readonly PrimaryBackup[];
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}
