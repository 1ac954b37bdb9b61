import { parentPort } from 'node:worker_threads';
import { kindOf } from '../repository/kinds.js';
import type { FolderWatch, StorageSettings } from '../repository/repository-kind.js';

/** Entry of the thread that watches folders: to begin that is a call to their storage which is waited for. */
const port = parentPort;
if (port === null) throw new Error('the thread of watches was not started as a thread');
const tell = (news: WatchNews) => port.postMessage(news);
const watches = new Map<number, FolderWatch>();

port.on('message', ({ watch: number, storage, folders }: WatchOrder) => {
  if (folders === null) {
    watches.get(number)?.close();
    watches.delete(number);
    return;
  }
  const known = watches.get(number);
  const watch =
    known ?? kindOf(storage).watch?.(storage, () => tell({ watch: number, type: 'changed' }));
  if (watch !== undefined && known === undefined) watches.set(number, watch);
  const answered = () => tell({ watch: number, type: 'answered' });
  tell({ watch: number, type: 'added', hasMore: watch?.add(folders, answered) === true });
});

export interface WatchOrder {
  /** Number of the watch. */
  readonly watch: number;
  readonly storage: StorageSettings;
  /** To be watched, too; null: it ends. */
  readonly folders: readonly string[] | null;
}

export type WatchNews = { readonly watch: number } & (
  | { readonly type: 'changed' }
  /** After each folder of an order: the storage goes on answering. */
  | { readonly type: 'answered' }
  /** Of each order with folders, in their order. `hasMore`: one of them was not watched before. */
  | { readonly type: 'added'; readonly hasMore: boolean }
);
