import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { KillTally } from '../../support/kill-table/kill-tally.js';
import { jobOf, sessionOf } from '../../support/kill-table/scenarios.js';
import { MIB, noise } from '../../support/kill-table/source-chain.js';
import { tryPositions, type Scenario } from '../../support/kill-table/try-positions.js';
import { makeBundlesKnown } from '../../support/bundle/bundle-layout.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const EARLIER_MS = Date.parse('2026-11-24T22:00:00Z');
const MEMORY = 'companion:Settings/memory.bin';

/** A second full of a machine whose backups are opaque files: one file has changed a little, one has not, and beside them lie a small file and one
 *  that is copied in windows. */
async function copyOfAFull(): Promise<Scenario> {
  const folder = mkdtempSync(join(tmpdir(), 'longhaul-bundles-'));
  const [a, b] = [noise(1, 200_001), noise(2, 70_000)];
  const changed = Buffer.from(a);
  changed[100_000]! ^= 0xff;
  const memory = noise(3, MIB + 1_001);
  const settings = Buffer.from('<vm/>'.repeat(3_000));
  const write = (name: string, bytes: Buffer) =>
    writeFileSync(join(folder, 'backups', 'mail01', name), bytes);
  const at = (): SimulatedRepository => {
    const repository = new SimulatedRepository('primary');
    repository.importFrom(join(folder, 'backups'));
    return repository;
  };
  try {
    mkdirSync(join(folder, 'backups', 'mail01'), { recursive: true });
    write('vm.xml', settings);
    write('1.one.a.bundle', a);
    write('1.one.b.bundle', b);
    write('one@memory.bin', memory);
    const target = new SimulatedRepository('offsite');
    await new LocalSessions([at(), target]).copy(jobOf(), EARLIER_MS);
    target.settleAll();
    write('2.two.a.bundle', changed);
    write('2.two.b.bundle', b);
    write('two@memory.bin', memory);
    const truth = new Map([
      [
        'one',
        new Map([
          ['a', a],
          ['b', b],
          [MEMORY, memory],
        ]),
      ],
      [
        'two',
        new Map([
          ['a', changed],
          ['b', b],
          [MEMORY, memory],
        ]),
      ],
    ]);
    return {
      ...{ name: 'copy of a second full of opaque files', format: 'file', source: at(), target },
      ...{ chain: chainFolder(jobOf().id, 'bundle:mail01'), truth },
      companions: new Map([['vm.xml', settings]]),
      ...{ change: sessionOf(jobOf()), corrupt: [], damaged: [] },
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('a full of opaque files with files beside them', () => {
  beforeAll(makeBundlesKnown);

  it('loses nothing when its copy is stopped and cut', async () => {
    const tally = new KillTally();
    const effort = { powerCuts: 1, stride: 23, witnessStride: 0 };
    await tryPositions(await copyOfAFull(), effort, tally);
    expect(tally.findings).toEqual([]);
    expect(tally.total).toMatchObject({ lost: 0, wrong: 0 });
    expect(tally.total.positions).toBeGreaterThan(5);
    expect(tally.total.pointsRead).toBeGreaterThan(10);
  });
});
