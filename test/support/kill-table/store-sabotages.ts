import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import type { SimulatedObjectStore } from '../repository/simulated-object-store.js';
import type { StoreFault } from '../repository/store-requests.js';
import type { ScenarioName } from './scenarios.js';

/** Verbs of a store that breaks a promise, in the place of its own. */
export type Broken = (store: SimulatedObjectStore) => Partial<BackupRepository>;

/** Promises broken on purpose on an object store: the table must show that restore points are lost. */
export const STORE_SABOTAGES: readonly {
  readonly name: string;
  readonly scenario: ScenarioName;
  /** A request not long before it shows. */
  readonly first: number;
  /** Only what has to go wrong for it to show; absent: anything. */
  readonly ways?: readonly StoreFault['when'][];
  readonly broken: Broken;
}[] = [
  {
    name: 'the commit record lists a point before its files have their names',
    scenario: 'copy of a first full',
    first: 36,
    broken: (store) => {
      let publish: (() => Promise<void>) | null = null;
      return {
        publish: async (files) => {
          publish = () => store.publish(files);
        },
        put: async (path, bytes, options) => {
          await store.put(path, bytes, options);
          if (!path.endsWith('/chain.json')) return;
          await publish?.();
          publish = null;
        },
      };
    },
  },
  {
    name: 'files of a point are removed before the commit record forgets it',
    scenario: 'delete of a chain',
    first: 8,
    broken: (store) => ({
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
  {
    name: 'the commit record is put whatever somebody else has put meanwhile',
    scenario: 'delete of a chain',
    first: 1,
    ways: ['overtaken', 'overtakenKilled'],
    broken: (store) => ({ put: (path, bytes) => store.put(path, bytes) }),
  },
];

/** The store with those verbs, behind a fence too. */
export function brokenStore(store: SimulatedObjectStore, broken: Broken): BackupRepository {
  const verbs: Partial<BackupRepository> = {
    ...broken(store),
    fenced: (assertMayWrite) => brokenStore(store.fenced(assertMayWrite), broken),
  };
  return new Proxy<BackupRepository>(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in verbs ? verbs : target, name);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}
