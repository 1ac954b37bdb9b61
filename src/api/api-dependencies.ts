import type { Client } from '@temporalio/client';
import type { LonghaulConfig } from '../config/config.js';
import type { BackupError } from '../domain/errors.js';
import type { WorkloadTypeView } from '../domain/sources/workload-rules.js';

/** What the API logs to; pino fits. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface SignInSecretsOfServer {
  readonly clientSecret?: string | null;
  /** 32 bytes. */
  readonly cookieKey?: Uint8Array;
}

export interface ApiDependencies {
  readonly client: Client;
  readonly config: LonghaulConfig;
  /** Bearer token; null: answers to loopback only. */
  readonly token: string | null;
  /** Of `server.signIn`. Default: a public client, and a key that nobody else has. */
  readonly signInSecrets?: SignInSecretsOfServer;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly logger: Logger;
  /** Types of backups that the workers find. Default: none is known. */
  readonly workloadTypes?: readonly WorkloadTypeView[];
  /** Of new jobs that name none. Default: that of this process. */
  readonly timeZone?: string;
  /** What the build of the dashboard wrote, served at `/`. Default: there are no pages. */
  readonly dashboardFolder?: string;
  /** Of Longhaul. Default: not known. */
  readonly version?: string | null;
  /** Where Temporal's own pages are. Default: not known. */
  readonly temporalUiUrl?: string | null;
  /** Why the state directory of the embedded Temporal server is unusable; null: it is not. Default: there is none. */
  readonly stateFault?: () => Promise<BackupError | null>;
  /** Where definitions of jobs are remembered over a restart. Default: nowhere. */
  readonly stateDirectory?: string;
  /** Milliseconds between two looks at a session that someone follows. Default 1,000. */
  readonly followIntervalMs?: number;
  /** Reads the definitions of all jobs and looks into all repositories before somebody asks: of 200 jobs the first list takes 3 to 6 s where none of them is
   *  remembered (`stateDirectory`), and the first look at 1,000 workloads as long (docs/PERFORMANCE.md, Scale). */
  readonly readsAhead?: boolean;
  /** Milliseconds between two looks at the site while someone follows its events. Default 5,000. */
  readonly eventIntervalMs?: number;
}
