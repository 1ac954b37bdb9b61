import { describe, expect, it } from 'vitest';
import { openTogether, withOpenFiles } from '../../../../src/mover/task/open-files.js';

function fileOf(closed: string[], name: string, failure?: Error) {
  return {
    close(): Promise<void> {
      closed.push(name);
      return failure === undefined ? Promise.resolve() : Promise.reject(failure);
    },
  };
}

describe('files that are open together', () => {
  it('stay open with what was opened over them, and close with it', async () => {
    const closed: string[] = [];
    const worker = await openTogether(async (files) => {
      files.add(fileOf(closed, 'source'));
      files.add(fileOf(closed, 'target'));
      return Promise.resolve({ close: () => files.close() });
    });
    expect(closed).toEqual([]);
    await worker.close();
    expect(closed).toEqual(['source', 'target']);
  });

  it('are closed when a later one cannot be opened', async () => {
    const closed: string[] = [];
    const opening = openTogether((files) => {
      files.add(fileOf(closed, 'source'));
      return Promise.reject(new Error('no target'));
    });
    await expect(opening).rejects.toThrow('no target');
    expect(closed).toEqual(['source']);
  });

  it('are all closed when closing one fails, and that is thrown', async () => {
    const closed: string[] = [];
    const work = withOpenFiles((files) => {
      files.add(fileOf(closed, 'source', new Error('not closed')));
      files.add(fileOf(closed, 'target'));
      return Promise.resolve();
    });
    await expect(work).rejects.toThrow('not closed');
    expect(closed).toEqual(['source', 'target']);
  });
});
