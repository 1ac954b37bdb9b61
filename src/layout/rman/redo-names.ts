/** Names of archived redo logs outside a recovery area. Source: Oracle Database Reference, LOG_ARCHIVE_FORMAT, which has to hold `%t`, `%s` and `%r`; its defaults
 *  are `%t_%s_%r.dbf` (Unix; in many guides with `.arc`) and `ARC%S_%R.%T` (Windows). */

export interface RedoLog {
  /** Of one database and one OPEN RESETLOGS: numbers begin with 1 again after the next. */
  readonly resetlogs: number;
  readonly thread: number;
  readonly sequence: number;
  /** `<thread>_<sequence>_<resetlogs>`, whatever the format. */
  readonly id: string;
}

/** Of commands that pack what is archived. */
const PACKED = String.raw`(?:\.(?:gz|bz2|xz|zst|lz4|z))?`;
const UNIX = new RegExp(
  String.raw`^(?:[a-z][\w$#]*?[_-])?(?<thread>\d{1,4})_(?<sequence>\d{1,10})_(?<resetlogs>\d{6,12})\.(?:dbf|arc|arch|log|ora)(?<packed>${PACKED})$`,
  'i',
);
const WINDOWS = new RegExp(
  String.raw`^arc(?<sequence>\d{5,10})_(?<resetlogs>\d{10})\.(?<thread>\d{3,4})(?<packed>${PACKED})$`,
  'i',
);

/** The same of paths, for those that only copy them. */
export const REDO_PATHS = new RegExp(
  [UNIX, WINDOWS]
    .map(({ source }) => source.replaceAll(/\?<\w+>/g, '?:').replace('^', '(?:^|/)'))
    .join('|'),
  'i',
);

/** null: no archived log. */
export function parseRedoLog(name: string): (RedoLog & { readonly isPacked: boolean }) | null {
  const parts = (UNIX.exec(name) ?? WINDOWS.exec(name))?.groups;
  if (parts === undefined) return null;
  const [thread, sequence, resetlogs] = [parts.thread, parts.sequence, parts.resetlogs].map(Number);
  return {
    ...{ thread: thread!, sequence: sequence!, resetlogs: resetlogs! },
    id: `${thread!}_${sequence!}_${resetlogs!}`,
    isPacked: parts.packed !== '',
  };
}

export interface WrittenRedoLog extends RedoLog {
  readonly writtenMs: number;
}

/** Logs of one thread between two OPEN RESETLOGS that follow one another without a gap. */
export interface RedoRun<L extends WrittenRedoLog> {
  /** By their numbers; at least one. */
  readonly logs: readonly L[];
  /** Numbers before it that are missing. null: none, or nothing lies before it. */
  readonly missing: { readonly first: number; readonly last: number } | null;
}

/** The runs of all threads, by thread, resetlogs and number.
 *  @param logs in any order, each once or more */
export function redoRuns<L extends WrittenRedoLog>(logs: readonly L[]): RedoRun<L>[] {
  const ordered = [...logs].sort(
    (a, b) => a.thread - b.thread || a.resetlogs - b.resetlogs || a.sequence - b.sequence,
  );
  const runs: RedoRun<L>[] = [];
  let [open, newestMs]: [L[], number] = [[], 0];
  for (const log of ordered) {
    const last = open.at(-1);
    const isSameThread = last?.thread === log.thread;
    const isSame = isSameThread && last.resetlogs === log.resetlogs;
    // After OPEN RESETLOGS numbers begin with 1. Where nothing is older, those before the first may have gone as the oldest do; where others are still
    // written, they are of another database.
    const follows = isSame ? last.sequence : isSameThread && newestMs <= log.writtenMs ? 0 : null;
    newestMs = isSameThread ? Math.max(newestMs, log.writtenMs) : log.writtenMs;
    if (isSame && log.sequence <= last.sequence + 1) open.push(log);
    else {
      const isHole = follows !== null && log.sequence > follows + 1;
      const missing = isHole ? { first: follows + 1, last: log.sequence - 1 } : null;
      open = [log];
      runs.push({ logs: open, missing });
    }
  }
  return runs;
}
