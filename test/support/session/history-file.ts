import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { historyToJSON, type History } from '@temporalio/common/lib/proto-utils.js';

/** Recorded histories of completed executions, `<workflow>-<shape>-<release>.json`: added to, never recorded again (CONTRIBUTING.md). */
export const HISTORIES_FOLDER = join(import.meta.dirname, '../../replay/histories');

export interface RecordedHistory {
  readonly events: readonly Record<string, unknown>[];
}

export async function historyNames(): Promise<string[]> {
  const names = await readdir(HISTORIES_FOLDER).catch(() => []);
  return names.filter((name) => name.endsWith('.json')).sort();
}

export async function readHistory(name: string): Promise<RecordedHistory> {
  return JSON.parse(await readFile(join(HISTORIES_FOLDER, name), 'utf8')) as RecordedHistory;
}

/** Writes one event a line, without what tells on which machine it was recorded.
 *  @param folder path of this machine that may stand in messages */
export async function writeHistory(name: string, history: History, folder: string): Promise<void> {
  const { events } = JSON.parse(historyToJSON(history)) as RecordedHistory;
  const lines = events.map((event) => JSON.stringify(anonymous(event, folder)));
  await writeFile(join(HISTORIES_FOLDER, name), `{"events":[\n${lines.join(',\n')}\n]}\n`);
}

/** Process and host are in identities and in the names of sticky queues, paths of this machine in stack traces and messages. */
function anonymous(value: unknown, folder: string): unknown {
  if (typeof value === 'string') return value.replaceAll(folder, '/srv');
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((member) => anonymous(member, folder));
  const isSticky = 'kind' in value && value.kind === 'TASK_QUEUE_KIND_STICKY';
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      if (key === 'identity') return [key, 'worker'];
      if (key === 'stackTrace') return [key, ''];
      if (key === 'name' && isSticky) return [key, 'sticky'];
      if (key === 'data' && typeof member === 'string') return [key, payload(member, folder)];
      return [key, anonymous(member, folder)];
    }),
  );
}

/** Base64 of JSON. */
function payload(data: string, folder: string): string {
  const text = Buffer.from(data, 'base64').toString('utf8');
  return Buffer.from(text.replaceAll(folder, '/srv')).toString('base64');
}
