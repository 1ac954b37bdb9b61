import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { unrecognisedReason } from '../../../src/domain/sources/unrecognised.js';
import { scanRepository } from '../../../src/layout/scan-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';

describe('symbolic links in a source', () => {
  it('that lead out of it are named, those that stay within are not', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'links-out-'));
    const rootPath = join(folder, 'root');
    await mkdir(join(rootPath, 'vms'), { recursive: true });
    await mkdir(join(folder, 'root-of-others'));
    await writeFile(join(rootPath, 'vms', 'web.img'), Buffer.alloc(512));
    const out = {
      'vms/db01': join(folder, 'root-of-others'),
      'vms/db02.img': '../../root-of-others/db02.img',
      gone: '/nowhere/at/all',
    };
    const within = { latest: 'vms', 'vms/copy.img': 'web.img', all: rootPath, '.recycle': '/x' };
    for (const [name, to] of Object.entries({ ...out, ...within }))
      await symlink(to, join(rootPath, name));
    execFileSync('mkfifo', [join(rootPath, 'pipe.img')]);
    const repository = await openDirectoryRepository({ id: 'a', rootPath, readOnly: true });
    const named = new Map<string, string>();
    const workloads = await scanRepository(repository, {
      onUnrecognised: (files) => named.set(files.folder, unrecognisedReason(files)),
    });
    expect(workloads.map(({ id }) => id)).toEqual(['raw-vms:web.img']);
    expect([...named.keys()].sort()).toEqual(Object.keys(out).sort());
    expect(named.get('vms/db01')).toBe(
      '"db01" is a link that leads out of this repository and is not followed, so nothing of what lies there is copied unless it is a repository of its own',
    );
  });
});
