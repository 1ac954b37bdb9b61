import type { SourceRepository } from '../../../src/repository/backup-repository.js';
import { REPOSITORY_KINDS } from '../../../src/repository/kinds.js';
import type {
  KeepingSource,
  KeepingTarget,
  OpenedSource,
  OpenedTarget,
  RepositoryKind,
  StorageSettings,
} from '../../../src/repository/repository-kind.js';
import { SimulatedObjectStore } from './simulated-object-store.js';

interface MemorySettings extends StorageSettings {
  readonly kind: 'memory';
  readonly bucket: string;
  readonly region?: string;
}

/** Objects in the memory of this process, as long as it lives. */
class MemoryStore extends SimulatedObjectStore implements OpenedTarget {
  keepingFolders(): KeepingTarget {
    return Object.assign(new MemoryStore(this.id, this.bucket), { close: async () => undefined });
  }
}

/** The same objects where they are only read: it has no verb that writes, whoever asks for one. */
function sourceOf(store: MemoryStore): OpenedSource {
  const { id, capabilities, limits } = store;
  const source = {
    ...{ id, capabilities, limits },
    list: (folder) => store.list(folder),
    entries: (folder, after) => store.entries(folder, after),
    stat: (path) => store.stat(path),
    openRead: (path) => store.openRead(path),
    openReadPastCache: (path) => store.openReadPastCache(path),
    capacity: () => store.capacity(),
  } satisfies SourceRepository;
  const keepingFolders = (): KeepingSource => ({ ...source, close: async () => undefined });
  return { ...source, keepingFolders };
}

const buckets = new Map<string, MemoryStore>();

/** A kind of storage in one file: the worked example of CONTRIBUTING.md. */
const memoryKind: RepositoryKind<MemorySettings> = {
  kind: 'memory',
  meaning: 'Objects in the memory of one process.',
  limits: ['It has no update in place, so nothing is merged there.'],
  placeSetting: 'bucket',
  settings: ({ z }) => ({
    bucket: z
      .string()
      .regex(/^[a-z]+$/)
      .meta({ description: 'Name of the bucket.', allowed: 'lower-case letters' }),
    region: z
      .enum(['near', 'far'])
      .default('near')
      .meta({ description: 'Where it is.', allowed: '`near` or `far`' }),
  }),
  absolute: (settings) => settings,
  place: ({ bucket, region }) => `memory:${region ?? 'near'}/${bucket}`,
  folder: () => null,
  openSource: async (id, settings) => sourceOf(storeAt(id, memoryKind.place(settings))),
  openTarget: async (id, settings) => storeAt(id, memoryKind.place(settings)),
  probe: async () => ({
    ...{ probedAt: new Date().toISOString(), abilities: null },
    ...{ faults: [], warnings: [] },
  }),
  watch: null,
};

function storeAt(id: string, place: string): MemoryStore {
  const store = buckets.get(place) ?? new MemoryStore(id);
  buckets.set(place, store);
  return store;
}

/** Import this before what reads the rows. */
(REPOSITORY_KINDS as RepositoryKind[]).push(memoryKind as unknown as RepositoryKind);
