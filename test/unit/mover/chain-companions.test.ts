import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { BackupError } from '../../../src/domain/errors.js';
import type { PlanReference } from '../../../src/domain/targets/disk-work.js';
import type { RestoreFormat } from '../../../src/domain/targets/restore-format.js';
import type { PointRestore } from '../../../src/mover/restore/point-restore.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import {
  CopiedMachine,
  DESCRIPTION,
  type MachineCopy,
} from '../../support/living/copied-machine.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const CONTENT = Buffer.from('<ovf:Envelope><Name>mail01</Name></ovf:Envelope>');
const NAME = DESCRIPTION.slice('mail01/'.length);
const DESTINATION = '/restored';

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make({ description: CONTENT });
});

/** Of the point at this place, as the record names it. */
const pathOf = (point: number): string => machine.before.points[point]!.companions[0]!.path;
const inTarget = (point: number): string => `${machine.chain}/${pathOf(point)}`;

describe('a description of a machine', () => {
  it('is copied with each point', async () => {
    const copy = await machine.copy();
    for (const [place, { id, companions }] of machine.before.points.entries()) {
      expect(companions).toMatchObject([
        {
          ...{ path: `${id}/config/${NAME}`, as: NAME, sizeBytes: CONTENT.length },
          digest: createHash('sha256').update(CONTENT).digest('hex'),
        },
      ]);
      expect(await copy.read(inTarget(place))).toEqual(CONTENT);
    }
  });

  it.each<[string, (copy: MachineCopy) => Promise<unknown>, boolean]>([
    ['whole', () => Promise.resolve(), false],
    ['changed', (copy) => copy.spoil(inTarget(2), 3), true],
    ['cut', (copy) => copy.cut(inTarget(2), CONTENT.length - 1), true],
    ['gone', (copy) => copy.target.remove(inTarget(2)), true],
  ])('that is %s is told by a verification', async (_name, spoil, isDamaged) => {
    const copy = await machine.copy();
    await spoil(copy);
    const input = { ...copy.input, pointId: machine.idOf(2) };
    const { damage } = await copy.mover.run('prepareVerification', input);
    expect(damage).toEqual(isDamaged ? [{ type: 'companion', path: pathOf(2) }] : []);
  });
});

describe('a damaged description of a machine', () => {
  type SpoilSource = (copy: MachineCopy) => Promise<unknown>;

  async function healed(spoilSource: SpoilSource, path = pathOf(1)) {
    const copy = await machine.copy();
    await copy.spoil(inTarget(1), 3);
    await spoilSource(copy);
    const input = { ...copy.input, pointId: machine.idOf(1), path };
    const outcome = await copy.mover.run('healCompanion', input);
    expect(await copy.target.list(`${machine.chain}/.staging`)).toEqual([]);
    return { outcome, isWhole: (await copy.read(inTarget(1))).equals(CONTENT) };
  }

  it.each<[string, SpoilSource]>([
    ['the source has it', () => Promise.resolve()],
    [
      'the source has it under another name, and other bytes under its own',
      async ({ source }) => {
        await source.put(DESCRIPTION, Buffer.from('<other/>'));
        await source.put(DESCRIPTION.replace('mail01-', 'renamed-'), CONTENT);
      },
    ],
  ])('is taken again when %s', async (_name, spoilSource) => {
    const { outcome, isWhole } = await healed(spoilSource);
    expect(outcome).toEqual({ isHealed: true, isSourceUnknown: false });
    expect(isWhole).toBe(true);
  });

  it.each<[string, SpoilSource, boolean]>([
    [
      'the source has another one by now',
      ({ source }) => source.put(DESCRIPTION, Buffer.from('<other/>')),
      false,
    ],
    ['the source has none any more', ({ source }) => source.remove(DESCRIPTION), false],
    [
      'the source cannot be asked',
      ({ source }) => {
        source.list = () =>
          Promise.reject(new BackupError('REPOSITORY_UNREACHABLE', 'primary does not answer'));
        return Promise.resolve();
      },
      true,
    ],
    [
      'the source shows it, and cannot be read',
      ({ source }) => {
        const openRead = source.openRead.bind(source);
        const gone = new BackupError('REPOSITORY_UNREACHABLE', 'primary does not answer');
        source.openRead = (path) => (path === DESCRIPTION ? Promise.reject(gone) : openRead(path));
        return Promise.resolve();
      },
      true,
    ],
  ])('stays as it is when %s', async (_name, spoilSource, isSourceUnknown) => {
    const { outcome, isWhole } = await healed(spoilSource);
    expect(outcome).toEqual({ isHealed: false, isSourceUnknown });
    expect(isWhole).toBe(false);
  });

  it('that an attempt has healed whose answer was lost is healed, although the source has gone since', async () => {
    const copy = await machine.copy();
    await copy.spoil(inTarget(1), 3);
    const input = { ...copy.input, pointId: machine.idOf(1), path: pathOf(1) };
    await copy.mover.run('healCompanion', input);
    await copy.source.remove(DESCRIPTION);
    expect(await copy.mover.run('healCompanion', input)).toMatchObject({ isHealed: true });
  });

  it('is not looked for when the point lists none of that name', async () => {
    const { outcome, isWhole } = await healed(() => Promise.resolve(), `${pathOf(1)}x`);
    expect(outcome).toEqual({ isHealed: false, isSourceUnknown: false });
    expect(isWhole).toBe(false);
  });

  it('is healed by the session that owns the chain alone', async () => {
    const copy = await machine.copy();
    const epoch = machine.before.epoch - 1;
    const input = { ...copy.input, epoch, pointId: machine.idOf(1), path: pathOf(1) };
    const stale = { code: 'STALE_EPOCH' };
    await expect(copy.mover.run('healCompanion', input)).rejects.toMatchObject(stale);
  });
});

describe('a restore of a machine with its description', () => {
  function restoreOf(copy: MachineCopy, format: RestoreFormat, more: Partial<PointRestore> = {}) {
    const folder = new SimulatedRepository(folderRepositoryId(DESTINATION));
    const mover = new InProcessMover(copy.target, folder);
    const { chain, nowMs } = copy.input;
    const input: PointRestore = {
      ...{ repositoryId: 'offsite', chain, pointId: machine.idOf(3), nowMs },
      ...{ destinationPath: DESTINATION, format, disks: null },
      ...{ intoExisting: true, leaseId: 'restore', ...more },
    };
    const staging = `.longhaul-restore-${machine.idOf(3)}`;
    let reference: PlanReference = { token: '', epoch: 0 };
    const write = async () => {
      const plan = await mover.run('prepareRestore', input);
      const { disks } = plan;
      ({ reference } = plan);
      const work = { targetRepositoryId: folder.id, staging, reference };
      const name = format === 'raw' ? 'restoreRaw' : 'copyBlocks';
      for (const { disk, windowCount, firstOpenWindow: first } of disks)
        await mover.runWindows(name, { ...work, disk }, [{ first, count: windowCount - first }]);
      if (format === 'same') await mover.run('composeTargetFile', work);
    };
    return { folder, write, finish: () => mover.run('finishRestore', { ...input, reference }) };
  }

  const bytesOf = async (folder: SimulatedRepository, path: string): Promise<string> => {
    const file = await folder.openRead(path);
    const bytes = Buffer.alloc((await file.stamp()).sizeBytes);
    await file.read(bytes, 0);
    await file.close();
    return bytes.toString();
  };

  it.each<[RestoreFormat, string[]]>([
    ['same', ['qcow2', 'ovf']],
    ['raw', ['raw']],
  ])('as %s files gives %j', async (format, extensions) => {
    const { folder, write, finish } = restoreOf(await machine.copy(), format);
    await write();
    const { files } = await finish();
    expect(files.map((path) => path.slice(path.lastIndexOf('.') + 1))).toEqual(extensions);
    const names = files.map((path) => path.slice(DESTINATION.length + 1)).sort();
    expect((await folder.list('')).map(({ name }) => name).sort()).toEqual(names);
    if (format === 'same') expect(await bytesOf(folder, NAME)).toBe(CONTENT.toString());
  });

  it.each([{ when: 'before it is planned' }, { when: 'when it is finished' }])(
    'is refused where a file of that name lies already, $when',
    async ({ when }) => {
      const { folder, write, finish } = restoreOf(await machine.copy(), 'same');
      const invalid = { code: 'RESTORE_DESTINATION_INVALID' };
      if (when !== 'before it is planned') await write();
      await folder.put(NAME, Buffer.from('mine'));
      if (when === 'before it is planned') await expect(write()).rejects.toMatchObject(invalid);
      else await expect(finish()).rejects.toMatchObject(invalid);
      expect(await bytesOf(folder, NAME)).toBe('mine');
    },
  );

  it('as raw files is not kept by a file of that name', async () => {
    const { folder, write, finish } = restoreOf(await machine.copy(), 'raw');
    await folder.put(NAME, Buffer.from('mine'));
    await write();
    expect((await finish()).files).toHaveLength(1);
    expect(await bytesOf(folder, NAME)).toBe('mine');
  });
});
