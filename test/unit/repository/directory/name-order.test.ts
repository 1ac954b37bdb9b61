import fc from '../../../support/properties.js';
import { describe, expect, it } from 'vitest';
import { entryOrder } from '../../../../src/repository/repository-path.js';
import { inEntryOrder } from '../../../../src/repository/directory/name-order.js';

/** Bytes before, at and behind the slash, so that many names begin with others. */
const NAME = fc.string({
  unit: fc.constantFrom('a', 'b', '-', '.', '0'),
  minLength: 1,
  maxLength: 4,
});
const ENTRY = fc.record({ name: NAME, type: fc.constantFrom('file', 'folder') });

describe('names of a folder', () => {
  it('come in the order of their entries from any place on, and few of them are looked at', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(ENTRY, { selector: ({ name }) => name, maxLength: 30 }),
        fc.option(ENTRY, { nil: undefined }),
        async (entries, from) => {
          const after = from && { ...from, type: 'file', name: keyOf(from) };
          const expected = entries
            .filter((entry) => after === undefined || entryOrder(entry, after) > 0)
            .sort(entryOrder)
            .map(({ name }) => name);
          const names = await inEntryOrder(
            entries.map(({ name }) => name),
            after?.name,
            (asked) => Promise.resolve(foldersOf(asked, entries)),
          );
          expect(names).toEqual(expected);
        },
      ),
    );
  });

  it('are not looked at where none begins another one', async () => {
    const names = ['0a', '0b', '1', 'index', 'snapshots'];
    const refuse = () => Promise.reject(new Error('nothing has to be looked at'));
    expect(await inEntryOrder(names, '0c', refuse)).toEqual([...['1', 'index', 'snapshots']]);
  });
});

function keyOf({ name, type }: { name: string; type: string }): string {
  return type === 'folder' ? `${name}/` : name;
}

function foldersOf(
  asked: readonly string[],
  entries: readonly { name: string; type: string }[],
): Set<string> {
  const folders = new Set(entries.flatMap(({ name, type }) => (type === 'folder' ? [name] : [])));
  return new Set(asked.filter((name) => folders.has(name)));
}
