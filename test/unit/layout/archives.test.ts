import { describe, expect, it } from 'vitest';
import type { UnrecognisedFiles } from '../../../src/domain/sources/unrecognised.js';
import { scanRepository } from '../../../src/layout/scan-repository.js';
import { treeOf } from '../../support/layout/tree.js';

describe('packed archives', () => {
  it('are those of every packer', async () => {
    const packed = ['tar.gz', 'tar.zst', 'tar.xz', 'tar.bz2', 'tar.lz4', 'tar.lzo'];
    const names = [...packed, 'tgz', 'txz', 'tbz2'].map((ending) => `a/site.${ending}`);
    const { repository } = await treeOf(
      Object.fromEntries([...names, 'a/site.tar'].map((name) => [name, 'x'])),
    );
    const unrecognised: UnrecognisedFiles[] = [];
    const workloads = await scanRepository(repository, {
      onUnrecognised: (files) => unrecognised.push(files),
    });
    expect(workloads.map(({ id, restorePoints }) => [id, restorePoints[0]!.state])).toEqual(
      names.map((name) => [`gcp-a:${name.slice(2)}`, 'incomplete']).sort(),
    );
    expect(unrecognised.map(({ examples, tool }) => [examples, tool])).toEqual([
      [['site.tar'], 'tar, zip or another archiver'],
    ]);
  });
});
