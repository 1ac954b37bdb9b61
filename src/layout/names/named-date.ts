import { modifiedAtMs } from '../../domain/file-stamp.js';

/** A date as names of files and folders hold it: local time of the machine that ran the tool, without its zone, so it is taken for UTC.
 *  @param parts the name's groups `year`, `month`, `day` and, as far as there are any, `hour`, `minute`, `second`, all digits
 *  @returns null: there is no such day or time */
export function namedDateMs(parts: Readonly<Record<string, string | undefined>>): number | null {
  const { year = '', month = '', day = '', hour = '00', minute = '00', second = '00' } = parts;
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const ms = Date.parse(`${text}Z`);
  // 30 February would be 2 March.
  return Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(text) ? null : ms;
}

/** When a file was last written to, by the clock of its storage: the date of a backup whose names hold none. */
export function writtenAtMs(
  files: readonly { readonly stamp: { readonly modifiedAtNs: string } }[],
): number {
  return files.reduce((newest, { stamp }) => Math.max(newest, modifiedAtMs(stamp)), 0);
}
