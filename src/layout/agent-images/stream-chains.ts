import type { FormatId } from '../../domain/sources/source-workload.js';
import type { FoundTree } from '../../domain/trees/source-tree.js';
import type { ByteSource } from '../../image/byte-source.js';
import { imageFormat } from '../../image/formats.js';
import type { StreamLinks } from '../../image/image-format.js';
import { joinPath } from '../../repository/repository-path.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { parseDatedName } from '../names/dated-name.js';
import { writtenAtMs } from '../names/named-date.js';
import { claimedTreeFiles, type TreeFile } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderWorkloadId } from '../names/workload-id.js';
import { SOLARIS_TYPE, STREAM_FORMATS } from './agent-images.js';
import { linkStreams, type NamedStream, type StreamFile } from './stream-points.js';

/** Streams of `zfs send` and dumps that build on one another: an increment is worth something only with all that it builds on, so each is a point
 *  that needs another one, and retention keeps that with it.
 *
 *  A workload is what is linked in one folder: by the guids of snapshots, by the dates of dumps, and by names that differ in a date alone. It is
 *  called by the name of its fulls. What has no date in its name, and neither builds on anything nor is built on here, is left to
 *  `solarisStreamLayout`: it is written anew under its name, and each time is a point there. A name with a date is a chain from its first full on, so
 *  that the first increment makes no other workload of it. What a stream builds on stands in its first records; of one that was packed with xz, bzip2 or lzop its name alone tells
 *  whether it is an increment, and nothing on what it builds.
 *  Source: `zfs-links.ts`, `dump-links.ts`. */
export const streamChainLayout: TreeLayout = {
  name: 'stream-chain',
  restoredWith: 'of increments what a point needs, the oldest first',
  type: SOLARIS_TYPE,
  rules: {
    shape: 'sets',
    // One without a date in its name is written anew each time.
    classes: [{ name: 'streams', match: /(?:)/, content: 'rewritten', isWrittenOnce: isDated }],
    ignored: null,
    digestInName: null,
    openFilesWaitMs: 60_000,
    keepRemovedForDays: 0,
    suspiciousShare: 0.5,
    keeps: { modes: false, times: true, links: false },
  },
  claim,
  confirm,
  scan,
};

function claim({ files }: FolderNames): Claim | null {
  const own = files.filter((name) => endingOf(name) !== null);
  return own.length === 0 ? null : { files: own };
}

function isDated(name: string): boolean {
  return endingOf(name) !== null && namedStream(name, null).namedAtMs !== null;
}

/** The longest one that fits. */
function endingOf(name: string): string | null {
  const lower = name.toLowerCase();
  const fitting = Object.keys(STREAM_FORMATS).filter(
    (ending) => lower.endsWith(`.${ending}`) && lower.length > ending.length + 1,
  );
  return fitting.sort((a, b) => b.length - a.length)[0] ?? null;
}

/** Those of which one builds on another, or may. */
async function confirm(reader: TreeReader, folder: string, claimed: Claim): Promise<Claim | null> {
  const streams: NamedStream[] = [];
  for (const name of claimed.files) {
    const read = linkReader(name);
    streams.push(namedStream(name, await linksAt(reader, joinPath(folder, name), read)));
  }
  const names = new Set(chainsOf(streams).flatMap((chain) => chain.map(({ name }) => name)));
  return names.size === 0 ? null : { files: claimed.files.filter((name) => names.has(name)) };
}

/** null: it cannot be read, or is none that says so. */
async function linksAt(
  reader: TreeReader,
  path: string,
  read: LinkReader,
): Promise<StreamLinks | null> {
  return reader.orTell(() => reader.look(path, read));
}

async function scan(reader: TreeReader, folder: string, { files }: Claim): Promise<FoundTree[]> {
  const streams: StreamFile[] = [];
  for (const entry of await claimedTreeFiles(reader, folder, { files }))
    streams.push(await readStream(reader, entry));
  return chainsOf(streams).map((chain) => {
    const name = nameOf(chain);
    return {
      id: `${folderWorkloadId('stream-chain', folder)}:${encodeURIComponent(name)}`,
      name,
      root: folder,
      within: chain.map((file) => file.name),
      points: linkStreams(chain),
    };
  });
}

function nameOf(files: readonly NamedStream[]): string {
  const fulls = files.filter(({ isIncrement }) => !isIncrement);
  const stems = (fulls.length === 0 ? files : fulls).map(({ stem }) => stem);
  return stems.sort()[0]!;
}

async function readStream(reader: TreeReader, entry: TreeFile): Promise<StreamFile> {
  const { name } = entry;
  const read = linkReader(name);
  const found = await reader.orTell(() => reader.factOf(entry, 'links of a stream', read));
  const named = namedStream(name, found !== null && 'value' in found ? found.value : null);
  return {
    ...{ ...entry, ...named },
    createdAtMs: named.namedAtMs ?? writtenAtMs([entry]),
    fault: await reader.wholeFault(entry, formatOf(name)),
  };
}

type LinkReader = (source: ByteSource) => Promise<StreamLinks | null>;

function linkReader(name: string): LinkReader {
  return imageFormat(formatOf(name), name).links ?? (() => Promise.resolve(null));
}

function formatOf(name: string): FormatId {
  return STREAM_FORMATS[endingOf(name)!]!;
}

/** As people call what is no full, where nothing else tells. */
const INCREMENT_NAME =
  /(?:^|[-_.@ ])(?:incr?|incremental|diff|differential|l(?:evel)?-?[1-9])(?=[-_.@ ]|$)/i;

function namedStream(name: string, links: StreamLinks | null): NamedStream {
  const ending = endingOf(name)!;
  const base = name.slice(0, -ending.length - 1);
  const dated = parseDatedName(base);
  const [kind] = ending.split('.');
  return {
    ...{ name, links },
    stem: `${dated?.stem ?? base}.${kind}`,
    namedAtMs: dated?.createdAtMs ?? null,
    isIncrement:
      links === null ? INCREMENT_NAME.test(base) : links.from !== null || links.isRest === true,
  };
}

/** Groups of what has one name but for the date, or is linked, where one of them is an increment or has a date. */
function chainsOf<S extends NamedStream>(streams: readonly S[]): S[][] {
  const groups = new Map<string, S[]>();
  const groupOf = new Map<string, string>();
  for (const stream of streams) {
    const known = [...new Set(keysOf(stream).flatMap((key) => groupOf.get(key) ?? []))];
    const id = known[0] ?? stream.name;
    const members = [...known.flatMap((group) => groups.get(group) ?? []), stream];
    for (const group of known) groups.delete(group);
    groups.set(id, members);
    for (const member of known.length > 1 ? members : [stream])
      for (const key of keysOf(member)) groupOf.set(key, id);
  }
  return [...groups.values()].filter((chain) =>
    chain.some(({ isIncrement, namedAtMs }) => isIncrement || namedAtMs !== null),
  );
}

/** An undated name is one of its own. */
function keysOf({ name, stem, namedAtMs, links }: NamedStream): string[] {
  const from = links?.from ?? null;
  return [
    namedAtMs === null ? `name ${name}` : `stem ${stem}`,
    ...(links?.holds ?? []),
    ...(from === null ? [] : [from]),
  ];
}
