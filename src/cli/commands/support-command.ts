/** `longhaul support-bundle`: what somebody who helps has to know, as one JSON document. */

import type { Command } from 'commander';
import { BackupError, isBackupError } from '../../domain/errors.js';
import type { Act, CommandContext } from '../command-context.js';
import { displayJson } from '../display/display-text.js';
import { print } from '../display/print.js';
import { ServerError } from '../client/server-client.js';

/** Of lists the first page: what is wrong now stands on it. No answer holds a secret; names of machines and paths are in most. */
const PARTS = {
  system: '/system',
  overview: '/overview',
  repositories: '/repositories',
  jobs: '/jobs',
  mirrorJobs: '/mirror-jobs',
  fileBackupJobs: '/file-backup-jobs',
  limits: '/limits',
  channels: '/notification-channels',
  operations: '/operations',
  sessions: '/sessions',
  failedSessions: '/sessions?result=failed',
} as const;

type PartName = keyof typeof PARTS;

export interface SupportBundle {
  readonly longhaulSupport: 1;
  readonly madeAt: string;
  /** Of the command; those of the server stand in `system`. */
  readonly command: { readonly nodeVersion: string; readonly platform: string };
  readonly parts: Partial<Record<PartName, unknown>>;
  /** Parts that the server did not give, each with why. */
  readonly lacking: readonly {
    readonly part: PartName;
    readonly code: string;
    readonly reason: string;
  }[];
}

export function addSupportCommand(program: Command, act: Act): void {
  act(
    program
      .command('support-bundle')
      .description(
        'Print what somebody who helps has to know, as JSON: settings, problems, jobs, last sessions. No secrets, but names and paths.',
      ),
    async (context) => {
      print(context.terminal, displayJson(await supportBundle(context), 2));
    },
  );
}

/** A part that fails is named and takes nothing from the others: something is wrong when this is asked for.
 *  @throws SERVER_UNREACHABLE, UNAUTHORIZED */
async function supportBundle({ server }: CommandContext): Promise<SupportBundle> {
  const parts: Partial<Record<PartName, unknown>> = {};
  const lacking: SupportBundle['lacking'][number][] = [];
  for (const [part, path] of Object.entries(PARTS) as [PartName, string][])
    try {
      parts[part] = await server.request('GET', path);
    } catch (error) {
      lacking.push({ part, ...lackOf(error) });
    }
  return {
    longhaulSupport: 1,
    madeAt: new Date().toISOString(),
    command: { nodeVersion: process.version, platform: `${process.platform} ${process.arch}` },
    parts,
    lacking,
  };
}

/** A bug of the server keeps one part back like anything else. @throws what is no answer to this part alone */
function lackOf(error: unknown): { readonly code: string; readonly reason: string } {
  if (error instanceof ServerError) return { code: error.code, reason: error.detail };
  if (!(error instanceof BackupError) || isOfAll(error)) throw error;
  return { code: error.code, reason: error.message };
}

function isOfAll(error: BackupError): boolean {
  return isBackupError(error, 'SERVER_UNREACHABLE') || isBackupError(error, 'UNAUTHORIZED');
}
