import { REPOSITORY_KINDS } from '../../../src/repository/kinds.js';
import type {
  KeepingTarget,
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
  openSource: (id, settings, contents) => memoryKind.openTarget(id, settings, contents),
  async openTarget(id, settings) {
    const place = this.place(settings);
    const store = buckets.get(place) ?? new MemoryStore(id);
    buckets.set(place, store);
    return store;
  },
  probe: async () => ({
    ...{ probedAt: new Date().toISOString(), abilities: null },
    ...{ faults: [], warnings: [] },
  }),
  watch: null,
};

/** Import this before what reads the rows. */
(REPOSITORY_KINDS as RepositoryKind[]).push(memoryKind as unknown as RepositoryKind);
