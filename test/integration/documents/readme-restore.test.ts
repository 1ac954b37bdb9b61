import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { requireTool } from '../../support/image/qemu.js';
import { libvirtTruth, testJob, TestSite } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { codeBlocks, readDocument } from '../../unit/documents/markdown.js';

const run = promisify(execFile);

let site: TestSite;
beforeEach(async () => {
  site = await TestSite.create();
});
afterEach(() => site.remove());

it.skipIf(!requireTool('qemu-img'))(
  'restores a disk with the lines of the README and no Longhaul',
  async () => {
    const [, section = ''] = readDocument('README.md').split('\n<!-- restore: ');
    const [lines = ''] = codeBlocks(section, 'sh');
    expect(lines).toContain('qemu-img convert');
    expect(lines).not.toContain('longhaul restore');

    const repositories = [await site.openSource(), await site.openTarget()];
    const job = testJob({ id: 'nightly-off-site' });
    await new LocalSessions(repositories).copy(job, Date.parse('2026-11-25T22:00:00Z'));
    const clone = site.path('clone');
    await mkdir(clone);
    await symlink(site.folder, join(clone, 'backups'));
    await run('bash', ['-euo', 'pipefail', '-c', lines], { cwd: clone });

    const restored: Record<string, string> = {};
    for (const disk of ['vda', 'vdb']) {
      const bytes = await readFile(join(clone, `${disk}.raw`));
      restored[disk] = createHash('sha256').update(bytes).digest('hex');
    }
    expect(restored).toEqual((await libvirtTruth())['files01']!['cp3']);
  },
);
