import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { sourceAndTarget } from '../../support/repository/source-and-target.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const FIXTURE = join(import.meta.dirname, '../../fixtures/libvirt-push/web01');
const CHECKPOINTS = ['cp1', 'cp2', 'cp3'];
const NOW_MS = Date.parse('2026-11-25T22:00:00Z');

/** A machine whose checkpoints do not track `vdb`, which is no disk that anything was saved of. */
describe('what a push backup may have left out of its machine', () => {
  let folder: string;
  let primary: BackupRepository;
  let offsite: BackupRepository;
  beforeEach(async () => {
    ({ folder, primary, offsite } = await sourceAndTarget('left-out'));
    for (const checkpoint of CHECKPOINTS.slice(0, 2)) await backUp(checkpoint);
  });
  afterEach(() => rm(folder, { recursive: true }));

  const at = (name: string): string => join(folder, 'primary', 'web01', name);

  /** As `virsh checkpoint-dumpxml web01 <checkpoint> --no-domain` gives it. */
  async function backUp(checkpoint: string): Promise<void> {
    await cp(join(FIXTURE, `vda.${checkpoint}.qcow2`), at(`vda.${checkpoint}.qcow2`), {
      recursive: true,
    });
    const xml = await readFile(join(FIXTURE, `checkpoint.${checkpoint}.xml`), 'utf8');
    await writeFile(
      at(`checkpoint.${checkpoint}.xml`),
      xml
        .replace(/<domain [^]*<\/domain>/, '')
        .replace('</disks>', "<disk name='vdb' checkpoint='no'/></disks>"),
    );
  }

  async function session(number: number) {
    const sessions = new LocalSessions([primary, offsite]);
    const { result, tasks } = await sessions.copy(testJob(), NOW_MS + number * 3_600_000);
    const says = (text: string | null) => text?.includes('may have left out the disk vdb') === true;
    const { reason, notes, committed } = tasks[0]!;
    return {
      ...{ result, copied: committed.length },
      ...{ isWarned: says(reason), isNoted: notes.some(says) },
    };
  }

  it('is a warning of the session that copies the point, and of no later one', async () => {
    const warned = { result: 'warning', isWarned: true, isNoted: true };
    expect(await session(1)).toEqual({ ...warned, copied: 2 });
    expect(await session(2)).toMatchObject({ result: 'nothingToCopy', isWarned: false, copied: 0 });
    await backUp('cp3');
    expect(await session(3)).toEqual({ ...warned, copied: 1 });
    expect(await session(4)).toMatchObject({ result: 'nothingToCopy', isWarned: false, copied: 0 });
  });

  it('is a warning of each session, once another point tells that it is a disk', async () => {
    const xml = await readFile(join(FIXTURE, 'domain.cp1.xml'), 'utf8');
    const disk = '<disk device="disk"><target dev="vdb"/></disk>';
    await writeFile(at('domain.cp1.xml'), xml.replace('</devices>', `${disk}</devices>`));
    for (const number of [1, 2]) expect((await session(number)).result).toBe('warning');
  });
});
