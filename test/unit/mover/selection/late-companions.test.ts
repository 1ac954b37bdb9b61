import { beforeEach, describe, expect, it } from 'vitest';
import { BackupError } from '../../../../src/domain/errors.js';
import type { SourceCompanion } from '../../../../src/domain/sources/source-workload.js';
import type { IdentifiedPoint } from '../../../../src/domain/sources/source-identity.js';
import type { TargetRestorePoint } from '../../../../src/domain/targets/target-point.js';
import { lateCompanions } from '../../../../src/mover/selection/late-companions.js';
import { TaskControl } from '../../../../src/mover/task/task-control.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

/** `head -c 5 /dev/zero | sha256sum`. */
const ZEROS = '8855508aade16ec573d21e6a485dfd0a7624085c1a14b5ecdd6485de0c6839a4';
const NOT_READ = new BackupError('REPOSITORY_IO_ERROR', 'no', { details: { errno: 'EIO' } });
const FORBIDDEN = new BackupError('PATH_FORBIDDEN', 'a link leads out of the repository');
const REFUSED = new BackupError('REPOSITORY_UNSUITED', 'no', { details: { errno: 'EOVERFLOW' } });
const GONE = new BackupError('FILE_MISSING', 'it is not there');
const AWAY = new BackupError('REPOSITORY_UNREACHABLE', 'the share is away');

let source: SimulatedRepository;
let modifiedAtNs: string;
beforeEach(async () => {
  source = new SimulatedRepository('primary');
  await source.makeFolder('vm');
  for (const name of ['a.xml', 'b.xml', 'shared.ovf', 'large.log'])
    await source.put(`vm/${name}`, Buffer.alloc(name === 'large.log' ? 9 : 5));
  ({ modifiedAtNs } = (await source.stat('vm/a.xml'))!.stamp);
});

const companion = (name: string): SourceCompanion => ({ path: `vm/${name}`, as: name });

function point(id: string, companions: readonly SourceCompanion[], copiedId: string | null) {
  const identity = copiedId === null ? { is: 'new' } : { is: 'copied', copiedId };
  return { id, disks: [], companions, identity } as unknown as IdentifiedPoint;
}

/** What lies beside the disks of a copy: small files, and one that was copied like a disk. */
function copy(
  id: string,
  names: readonly string[],
  at = modifiedAtNs,
  sizeBytes = 5,
  digest = 'd',
) {
  const companions = names.map((as) => ({
    path: `${id}/config/${as}`,
    as,
    sizeBytes,
    digest,
  }));
  return {
    ...{ id, copiedAt: '2026-11-02T22:00:00.000Z' },
    companions: companions.map((file) => ({ ...file, modifiedAtNs: at })),
    disks: [{ disk: 'companion:large.log', as: 'large.log', isCompanion: true, sizeBytes: 9 }],
  } as unknown as TargetRestorePoint;
}

describe('what is no disk of the newest copied point', () => {
  it('is not spoken of where its copy has it', async () => {
    const current = [point('p1', [companion('a.xml'), companion('large.log')], 'c1')];
    expect(
      await lateCompanions(new TaskControl(), source, current, [copy('c1', ['a.xml'])]),
    ).toEqual([]);
    expect(await lateCompanions(new TaskControl(), source, [], [])).toEqual([]);
    expect(
      await lateCompanions(
        new TaskControl(),
        source,
        [point('p1', [companion('a.xml')], null)],
        [],
      ),
    ).toEqual([]);
  });

  it('is told by its name where it came after it was copied', async () => {
    const names = ['a.xml', 'b.xml', 'c.xml', 'd.xml', 'e.xml', 'f.xml'];
    const current = [point('p1', names.map(companion), 'c1')];
    expect(
      await lateCompanions(new TaskControl(), source, current, [copy('c1', ['a.xml'])]),
    ).toEqual([
      'restore point p1: b.xml, c.xml, d.xml, 2 more files came after it was copied at 2026-11-02T22:00:00.000Z: the copy is without. Its disks are whole. `longhaul copy once` copies the point as it is now',
    ]);
  });

  it('is not spoken of where it came with a later point, which it belongs to, too', async () => {
    const current = [
      point('p1', [companion('a.xml'), companion('shared.ovf')], 'c1'),
      point('p2', [companion('shared.ovf')], null),
    ];
    expect(
      await lateCompanions(new TaskControl(), source, current, [copy('c1', ['a.xml'])]),
    ).toEqual([]);
  });

  it.each([
    { what: 'another size', sizeBytes: 4, at: '', proves: true, isTold: true },
    {
      what: 'another size on storage whose stamps are weak',
      sizeBytes: 4,
      at: '',
      proves: false,
      isTold: true,
    },
    { what: 'another time and other bytes', at: '1', proves: true, isTold: true },
    { what: 'another time alone', at: '1', proves: true, digest: ZEROS, isTold: false },
    { what: 'other bytes where stamps are weak', at: '', proves: false, isTold: true },
    {
      what: 'another time alone where stamps are weak',
      at: '1',
      proves: false,
      digest: ZEROS,
      isTold: false,
    },
    { what: 'another time, and cannot be read', at: '1', proves: true, fault: true, isTold: true },
    {
      what: 'another time where stamps are weak, and cannot be read',
      at: '1',
      proves: false,
      fault: true,
      isTold: false,
    },
  ])('is told where it has $what by now: $isTold', async ({ at, proves, isTold, ...row }) => {
    const { sizeBytes, digest, fault } = { sizeBytes: 5, digest: 'd', fault: false, ...row };
    source.capabilities.stampsProve = proves;
    if (fault) source.openRead = () => Promise.reject(NOT_READ);
    const kept = copy('c1', ['a.xml'], at === '' ? modifiedAtNs : at, sizeBytes, digest);
    const told = await lateCompanions(
      new TaskControl(),
      source,
      [point('p1', [companion('a.xml')], 'c1')],
      [kept],
    );
    expect(told).toEqual(
      isTold ? [expect.stringMatching(/^restore point p1: a\.xml changed after/)] : [],
    );
  });

  it.each([
    { what: 'goes while it is read', read: GONE, isTold: false },
    { what: 'is a link to elsewhere by now', read: FORBIDDEN, isTold: true },
    { what: 'has no bytes for this storage', read: REFUSED, isTold: true },
    { what: 'cannot be looked at', stat: NOT_READ, isTold: false },
  ])('keeps nothing from being copied where it $what', async ({ read, stat, isTold }) => {
    if (read !== undefined) source.openRead = () => Promise.reject(read);
    if (stat !== undefined) source.stat = () => Promise.reject(stat);
    const current = [point('p1', [companion('a.xml')], 'c1')];
    const told = await lateCompanions(new TaskControl(), source, current, [
      copy('c1', ['a.xml'], '1'),
    ]);
    expect(told).toHaveLength(isTold ? 1 : 0);
  });

  it('waits for storage that does not answer', async () => {
    source.openRead = () => Promise.reject(AWAY);
    const current = [point('p1', [companion('a.xml')], 'c1')];
    const copies = [copy('c1', ['a.xml'], '1')];
    await expect(lateCompanions(new TaskControl(), source, current, copies)).rejects.toBe(AWAY);
  });

  it('is not told where its tool writes one file anew for all points', async () => {
    const points = ['p1', 'p2'].map((id) => point(id, [companion('shared.ovf')], `c${id.at(-1)}`));
    const copies = ['c1', 'c2'].map((id) => copy(id, ['shared.ovf'], '1', 4));
    expect(await lateCompanions(new TaskControl(), source, points, copies)).toEqual([]);
  });

  it('is told of no older point, whose own time has passed', async () => {
    const points = [
      point('p1', [companion('b.xml')], 'c1'),
      point('p2', [companion('a.xml')], 'c2'),
    ];
    expect(
      await lateCompanions(new TaskControl(), source, points, [
        copy('c1', []),
        copy('c2', ['a.xml']),
      ]),
    ).toEqual([]);
  });

  it('is told by the digest of a chain of Longhaul, whatever its time', async () => {
    const of = (digest: string) => [point('p1', [{ ...companion('a.xml'), digest }], 'c1')];
    const copies = [copy('c1', ['a.xml'], '1')];
    expect(await lateCompanions(new TaskControl(), source, of('d'), copies)).toEqual([]);
    expect(await lateCompanions(new TaskControl(), source, of('e'), copies)).toHaveLength(1);
  });
});
