import { beforeEach, expect, it } from 'vitest';
import { serializeChainRecord } from '../../../src/chain/chain-record-document.js';
import { type ChainRecord } from '../../../src/chain/chain-record.js';
import { chainsIn, findChains, findOwnChains } from '../../../src/chain/find-chains.js';
import { BackupError } from '../../../src/domain/errors.js';
import {
  listSourceWorkloads,
  findSourceWorkload,
} from '../../../src/mover/source/source-catalogue.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

let repository: SimulatedRepository;
beforeEach(async () => {
  repository = new SimulatedRepository('offsite');
  for (const workload of ['web01', 'web02']) await putChain(`nightly/${workload}`, workload);
  await put('nightly/job.json', '{}');
});

async function put(path: string, content: string | Uint8Array): Promise<void> {
  await repository.makePlace(path.slice(0, path.lastIndexOf('/')));
  await repository.put(path, Buffer.from(content));
}

async function putChain(folder: string, workload: string): Promise<void> {
  const record: ChainRecord = {
    jobId: 'nightly',
    workload: { id: workload, name: workload, type: 'libvirt-kvm' },
    revision: 1,
    epoch: 1,
    owner: null,
    presence: { lastSeenAt: null, absence: null },
    points: [],
    pending: null,
  };
  for (const name of ['chain.json', 'chain.json.copy'])
    await put(`${folder}/${name}`, serializeChainRecord(record));
}

async function found(find = findChains): Promise<unknown> {
  const { chains, unreadable } = await find(repository);
  return {
    chains: chains.map(({ folder }) => folder).sort(),
    unreadable: unreadable.map(({ path, code }) => [path, code]),
  };
}

it('lists the other chains when both records of one are bad', async () => {
  for (const name of ['chain.json', 'chain.json.copy']) await put(`nightly/web01/${name}`, '{');
  expect(await found()).toEqual({
    chains: ['nightly/web02'],
    unreadable: [['nightly/web01', 'CHAIN_RECORD_CORRUPT']],
  });
});

it('finds a chain whose copy of the record alone is left', async () => {
  await repository.remove('nightly/web01/chain.json');
  expect(await found()).toEqual({ chains: ['nightly/web01', 'nightly/web02'], unreadable: [] });
});

it('names a chain in the folder of a job that has lost its records, and takes no other folder for one', async () => {
  for (const name of ['chain.json', 'chain.json.copy'])
    await repository.remove(`nightly/web01/${name}`);
  await put('nightly/web01/2026-11-24T220000Z/vda.qcow2', 'disk');
  await put('machines/web03/2026-11-24T220000Z/vda.qcow2', 'disk');
  expect(await found()).toEqual({
    chains: ['nightly/web02'],
    unreadable: [['nightly/web01', 'CHAIN_RECORD_LOST']],
  });
});

it('shows a chain that lies where it is not looked for as a source, and not as a copy of its job', async () => {
  await putChain('attic/web09', 'web01');
  expect(await found()).toEqual({
    chains: ['attic/web09', 'nightly/web01', 'nightly/web02'],
    unreadable: [],
  });
  expect(await found(findOwnChains)).toEqual({
    chains: ['nightly/web01', 'nightly/web02'],
    unreadable: [['attic/web09', 'CHAIN_FOREIGN']],
  });
});

it('fails when the storage is away: then nothing is known of any chain', async () => {
  const away = {
    ...repository.fenced(() => undefined),
    openRead: () => Promise.reject(new BackupError('REPOSITORY_UNREACHABLE', 'away')),
  };
  await expect(findChains(away)).rejects.toThrow('away');
});

it('lists a chain that cannot be read among the sources, and says why when it is asked for', async () => {
  for (const name of ['chain.json', 'chain.json.copy']) await put(`nightly/web01/${name}`, '{');
  const workloads = await listSourceWorkloads(repository);
  expect(workloads.map(({ id, name, restorePoints }) => [id, name, restorePoints.length])).toEqual([
    ['nightly:web01', 'web01', 0],
    ['nightly:web02', 'web02', 0],
  ]);
  for (const folders of [['nightly/web01'], undefined])
    await expect(findSourceWorkload(repository, 'nightly:web01', folders)).rejects.toMatchObject({
      code: 'CHAIN_RECORD_CORRUPT',
    });
  await expect(chainsIn(repository, ['nightly/web02'])).resolves.toHaveLength(1);
});

it('reads the records of many chains side by side, and lists them in order', async () => {
  for (let i = 0; i < 60; i++) await putChain(`nightly/vm${100 + i}`, `vm${100 + i}`);
  let reading = 0;
  let most = 0;
  const openRead = repository.openRead.bind(repository);
  repository.openRead = async (path) => {
    most = Math.max(most, ++reading);
    await new Promise((resolve) => setImmediate(resolve));
    reading--;
    return openRead(path);
  };
  await put('nightly/vm130/chain.json', '{');
  await put('nightly/vm130/chain.json.copy', '{');
  const { chains, unreadable } = await findOwnChains(repository);
  const folders = chains.map(({ folder }) => folder);
  expect(folders).toHaveLength(61);
  expect(folders).toEqual(folders.toSorted());
  expect(unreadable.map(({ path }) => path)).toEqual(['nightly/vm130']);
  expect([most > 10, most <= 48]).toEqual([true, true]);
});
