import { describe, expect, it } from 'vitest';
import { folderWorkloadId, foldersInId } from '../../../../src/layout/names/workload-id.js';

describe('folders that an id of a workload may name', () => {
  it.each(['', 'dumps', 'dumps/a-b/store', 'x-y/50%'])(
    'hold the one that made it: %j',
    (folder) => {
      expect(foldersInId(folderWorkloadId('toy-sets', folder))).toContain(folder);
    },
  );

  it.each([
    ['mssql-sql01%5Cprod', 'a part that no storage takes for a name'],
    ['mssql-%00', 'a byte of which a name cannot have one'],
    ['mssql-..:etc', 'the way out of the repository'],
    [`mssql-${'a'.repeat(300)}`, 'more bytes than a name has'],
    ['mssql-50%', 'a percent sign of something else'],
  ])('are none in %s: %s', (id) => {
    expect(foldersInId(id)).toEqual([]);
  });
});
