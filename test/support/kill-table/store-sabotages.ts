import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import type { SimulatedObjectStore } from '../repository/simulated-object-store.js';
import type { ScenarioName } from './scenarios.js';

/** Promises broken on purpose on an object store: the table must show that restore points are lost. */
export const STORE_SABOTAGES: readonly {
  readonly name: string;
  readonly scenario: ScenarioName;
  /** A request not long before it shows. */
  readonly first: number;
  readonly wrap: (store: SimulatedObjectStore) => BackupRepository;
}[] = [
  {
    name: 'the commit record lists a point before its files have their names',
    scenario: 'copy of a first full',
    first: 36,
    wrap: (store) => {
      let publish: (() => Promise<void>) | null = null;
      return replacing(store, {
        publish: async (files) => {
          publish = () => store.publish(files);
        },
        put: async (path, bytes, options) => {
          await store.put(path, bytes, options);
          if (!path.endsWith('/chain.json')) return;
          await publish?.();
          publish = null;
        },
      });
    },
  },
  {
    name: 'files of a point are removed before the commit record forgets it',
    scenario: 'delete of a chain',
    first: 8,
    wrap: (store) =>
      replacing(store, {
        put: async (path, bytes, options) => {
          const text = Buffer.from(bytes).toString();
          const ids = /"type": ?"delete",\s*"ids": ?\[([^\]]*)\]/.exec(text)?.[1] ?? '';
          if (path.endsWith('/chain.json'))
            for (const [, id] of ids.matchAll(/"([^"]+)"/g))
              await store.removeAll(`${path.slice(0, path.lastIndexOf('/'))}/${id}`);
          await store.put(path, bytes, options);
        },
      }),
  },
];

function replacing(
  store: SimulatedObjectStore,
  verbs: Partial<BackupRepository>,
): BackupRepository {
  return new Proxy<BackupRepository>(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in verbs ? verbs : target, name);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}
