import type { FoundTree, TreePoint } from '../../../src/domain/trees/source-tree.js';
import type { TreeRules } from '../../../src/domain/trees/tree-rules.js';
import { ALL_ALLOWED } from '../../../src/domain/sources/workload-rules.js';
import type { TreeLayout, TreeReader } from '../../../src/layout/tree-layout.js';

const KEEPS = { modes: true, times: true, links: true };

export const TOY_STORE_RULES: TreeRules = {
  shape: 'store',
  classes: [
    { name: 'key', match: /^STORE$/, content: 'immutable' },
    { name: 'data', match: /^data\//, content: 'immutable' },
    { name: 'index', match: /^index\//, content: 'replaced' },
    { name: 'snapshots', match: /^snapshots\//, content: 'replaced' },
  ],
  ignored: /^locks\/|\.tmp$/,
  digestInName: (path) => /^data\/([0-9a-f]{64})$/.exec(path)?.[1] ?? null,
  openFilesWaitMs: 0,
  keepRemovedForDays: 3,
  suspiciousShare: 0.5,
  keeps: KEEPS,
};

/** A store whose files its snapshots share: `STORE`, `data/…`, `index/…`, and `snapshots/<id>.json` with `{ "at": <epoch ms>, "needs": [paths] }`. */
export const toyStoreLayout: TreeLayout = {
  restoredWith: 'its own tool',
  name: 'toy-store',
  type: { id: 'toy-store', title: 'Toy stores', rules: ALL_ALLOWED },
  rules: TOY_STORE_RULES,
  claim: ({ files, folders }) =>
    files.includes('STORE') && folders.includes('data') ? { files, folders } : null,
  scan: async (reader, folder) => {
    const points: TreePoint[] = [];
    for (const { name, path, type } of await reader.list(pathIn(folder, 'snapshots'))) {
      if (type !== 'file' || !name.endsWith('.json')) continue;
      points.push(await snapshot(reader, name, path));
    }
    points.sort((a, b) => a.createdAtMs - b.createdAtMs);
    return [{ id: `toy:${folder}`, name: folder, root: folder, points }];
  },
};

/** The same tool, of which it is known that it replaces an index before it removes data. */
export const tracedStoreLayout: TreeLayout = {
  ...toyStoreLayout,
  rules: {
    ...TOY_STORE_RULES,
    classes: TOY_STORE_RULES.classes.map((one) =>
      one.name === 'data' ? { ...one, removal: { replaces: /^index\// } } : one,
    ),
  },
};

/** The same tool once more, in a folder of a name of its own, whose blobs may come anew until they are whole: of them their layout says that they are written once. */
export const writtenStoreLayout: TreeLayout = {
  ...tracedStoreLayout,
  name: 'written-store',
  rules: {
    ...tracedStoreLayout.rules,
    classes: tracedStoreLayout.rules.classes.map((one) =>
      one.name === 'data' ? { ...one, content: 'replaced', isWrittenOnce: () => true } : one,
    ),
  },
  claim: (names) => (names.folder === WRITTEN_ROOT ? toyStoreLayout.claim(names) : null),
};

export const WRITTEN_ROOT = 'written';

async function snapshot(reader: TreeReader, name: string, path: string): Promise<TreePoint> {
  const read = (await reader.readJson(path, 65_536)) as { at: number } | null;
  return {
    ...{ id: name.replace('.json', ''), createdAtMs: read?.at ?? 0, kind: 'snapshot' },
    ...{ needs: [], files: null },
    ...(read === null
      ? { state: 'broken', reason: `${name} is no JSON` }
      : { state: 'complete', reason: null }),
  };
}

/** Backups of a database: `db-<day>.<part>.set` make the full of that day, whole with `db-<day>.done`; `log-<day>-<n>.log` are logs after it, each
 *  of which needs the one before. */
export const toySetLayout: TreeLayout = {
  restoredWith: 'its own tool',
  name: 'toy-sets',
  type: {
    id: 'toy-sets',
    title: 'Toy databases',
    rules: { ...ALL_ALLOWED, retentionByDaysOnly: true },
  },
  rules: {
    shape: 'sets',
    classes: [
      { name: 'data', match: /\.set$/, content: 'immutable' },
      { name: 'logs', match: /\.log$/, content: 'appended' },
      { name: 'marks', match: /\.done$/, content: 'replaced' },
    ],
    ignored: /\.tmp$/,
    digestInName: null,
    openFilesWaitMs: 0,
    keepRemovedForDays: 0,
    suspiciousShare: 0.5,
    keeps: KEEPS,
  },
  claim: ({ files }) => {
    const own = files.filter((name) => SET_NAME.test(name) || LOG_NAME.test(name));
    return own.length === 0 ? null : { files: own };
  },
  scan: (_, folder, { files }) => Promise.resolve([setsIn(folder, files)]),
};

const SET_NAME = /^db-(\d+)\.(?:(\w+)\.set|done)$/;
const LOG_NAME = /^log-(\d+)-(\d+)\.log$/;

function setsIn(folder: string, names: readonly string[]): FoundTree {
  const points: TreePoint[] = [];
  const days = new Set(names.flatMap((name) => SET_NAME.exec(name)?.[1] ?? []));
  for (const day of days) {
    const files = names.filter((name) => SET_NAME.exec(name)?.[1] === day);
    const isWhole = files.includes(`db-${day}.done`);
    points.push({
      ...{ id: `db-${day}`, createdAtMs: atOf(day), kind: 'full', needs: [], files },
      ...(isWhole
        ? { state: 'complete', reason: null }
        : { state: 'incomplete', reason: `db-${day}.done is missing` }),
    });
    let needs = [`db-${day}`];
    for (const name of names.filter((log) => LOG_NAME.exec(log)?.[1] === day).sort()) {
      const id = name.replace('.log', '');
      const createdAtMs = atOf(day) + Number(LOG_NAME.exec(name)![2]) * 3_600_000;
      points.push({
        ...{ id, createdAtMs, kind: 'log', needs, files: [name] },
        ...{ state: 'complete', reason: null },
      });
      needs = [...needs, id];
    }
  }
  points.sort((a, b) => a.createdAtMs - b.createdAtMs);
  return { id: `toysets:${folder}`, name: folder, root: folder, within: names, points };
}

function atOf(day: string): number {
  return Date.UTC(2026, 10, Number(day), 1);
}

function pathIn(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
