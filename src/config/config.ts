/** The configuration of one Longhaul server, frozen after `loadConfig`. Shapes of `docs/OPERATIONS.md`, Configuration. */

import type { NotificationSettings } from '../domain/notification-channel.js';
import type { PrimaryBackup } from '../domain/primary-backup.js';
import type { FolderSync } from '../domain/storage-probe.js';

export type RepositoryRole = 'primary' | 'target' | 'external';

export type RepositoryContents = 'backups' | 'storeonce';

export interface RepositoryConfig {
  readonly id: string;
  readonly kind: 'directory';
  /** Absolute after loading: a relative path is taken from the configuration file's folder. */
  readonly path: string;
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
  /** Whether storage that cannot sync folders is refused as a target. */
  readonly folderSync: FolderSync;
  /** `weak`: an unchanged stamp does not prove that a file was not written to. */
  readonly stamps: 'strong' | 'weak';
  /** `storeonce`: an appliance that mirror jobs copy as a whole. */
  readonly contents: RepositoryContents;
}

export interface ServerConfig {
  readonly address: string;
  readonly port: number;
  /** null: loopback only. */
  readonly tokenFile: string | null;
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
