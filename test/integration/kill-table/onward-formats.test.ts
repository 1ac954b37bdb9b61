import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { readJobDefinition } from '../../../src/chain/sessions/session-record.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { requireTool } from '../../support/image/qemu.js';
import { NOW_MS } from '../../support/kill-table/change-run.js';
import { MACHINE_FORMATS } from '../../support/kill-table/machine-formats.js';
import { makeMachinesKnown } from '../../support/kill-table/machine-layout.js';
import { qemuFaults } from '../../support/kill-table/qemu-witness.js';
import {
  faultsOfDigests,
  readShownPoints,
  type ChainUnderTest,
} from '../../support/kill-table/read-points.js';
import {
  inFormat,
  makeSourceChain,
  withFirstPoints,
  type SourceChain,
} from '../../support/kill-table/source-chain.js';
import { THREE_DAYS } from '../../support/kill-table/source-days.js';
import type { SourceFormat } from '../../support/kill-table/source-format.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FIRST_AT_MS = NOW_MS - 30 * DAY_MS;

/** What `test/integration/living` asks of chains of qcow2, of the other formats. */
describe.skipIf(!requireTool('qemu-img'))('a target that has lost its server', () => {
  let forget: (() => void) | undefined;
  afterEach(() => forget?.());

  it.each(MACHINE_FORMATS.map((format) => ({ id: format.id, format })))(
    'and travelled on a disk is gone on with in $id, and copied on',
    async ({ format }) => {
      forget = makeMachinesKnown(format.id);
      const kinds = format.isFullsOnly === true ? 'full' : 'increment';
      const source = await inFormat(makeSourceChain(THREE_DAYS), format);
      const lost = new SimulatedRepository('offsite');
      const two = await withFirstPoints(source, 2);
      await new LocalSessions([two, lost]).copy(testJob(), FIRST_AT_MS);

      const offsite = onOtherStorage(lost);
      const job = (await readJobDefinition(offsite, 'nightly'))!;
      expect(job).toEqual(testJob());
      const outcome = await new LocalSessions([source.repository, offsite]).copy(job, NOW_MS);
      expect(outcome.result).toBe('success');
      const [workload] = await listSourceWorkloads(source.repository);
      const chain = chainFolder('nightly', workload!.id);
      expect(await kindsOf(offsite, chain)).toEqual(['full', kinds, kinds]);
      await expectRight(offsite, underTest(source, format, chain));

      const vault = new SimulatedRepository('vault');
      const onward = testJob({
        ...{ id: 'onward', restorePoints: 'all', target: { repositoryId: 'vault' } },
        sources: { include: [{ repositoryId: 'offsite' }], exclude: [] },
      });
      await new LocalSessions([offsite, vault]).copy(onward, NOW_MS + HOUR_MS);
      const [copied] = await listSourceWorkloads(offsite);
      const next = chainFolder('onward', copied!.id);
      expect(await kindsOf(vault, next)).toEqual(['full', kinds, kinds]);
      const points = (await readChainRecord(offsite, chain))!.points;
      const truth = new Map(
        points.map(({ id, source: { restorePointId } }) => [id, source.truth.get(restorePointId)!]),
      );
      await expectRight(vault, underTest({ ...source, truth }, format, next));
    },
  );
});

function underTest(
  { truth, companions }: SourceChain,
  format: SourceFormat,
  chain: string,
): ChainUnderTest {
  return { format: format.id, chain, truth, companions, corrupt: [] };
}

/** By our reader through the names in the files, by a tool that knows nothing of us, and by the digests. */
async function expectRight(target: SimulatedRepository, under: ChainUnderTest): Promise<void> {
  target.settleAll();
  const { shown, faults } = await readShownPoints(target, under);
  expect(shown).toHaveLength(3);
  expect(faults).toEqual([]);
  expect(await qemuFaults(target, under, false)).toEqual([]);
  expect(await faultsOfDigests(target, under)).toEqual([]);
}

async function kindsOf(target: SimulatedRepository, chain: string): Promise<string[]> {
  return (await readChainRecord(target, chain))!.points.map(({ kind }) => kind);
}

/** The same files with other times and inodes. */
function onOtherStorage(repository: SimulatedRepository): SimulatedRepository {
  const folder = mkdtempSync(join(tmpdir(), 'longhaul-seed-'));
  try {
    repository.settleAll();
    repository.exportTo(folder);
    const copy = new SimulatedRepository(repository.id);
    copy.importFrom(folder);
    copy.settleAll();
    return copy;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
