import { beforeAll, describe, expect, it } from 'vitest';
import { CopiedMachine, NOW_MS, type MachineCopy } from '../../support/living/copied-machine.js';
import { requireTool } from '../../support/image/qemu.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { qemuFaults } from '../../support/kill-table/qemu-witness.js';

const UNIT = 65_536;
const DAY_MS = 86_400_000;
const TRIES_OF_A_WORD = 2;
/** The full is merged away: of four points two stay. */
const JOB = testJob({ retention: { type: 'restorePoints', value: 2 } });
const BLOCKS = 12;

/** Numbers below `limit`, the same in each run. */
function drawn(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** One bit of what a full holds beside the guest's blocks goes bad; then a session merges it, and a check reads all copies. The judge is qemu-img, which knows
 *  nothing of digests. */
describe.skipIf(!requireTool('qemu-img'))('a full of which one bit has gone bad', () => {
  let machine: CopiedMachine;
  let words: number[];
  beforeAll(async () => {
    machine = await CopiedMachine.make({ later: () => Promise.resolve() });
    const copy = await machine.copy();
    const bytes = await copy.read(copy.pathOf(0, 'image'));
    const blocks = Array.from({ length: BLOCKS }, (_, block) => machine.block(0, block));
    const isGuests = (at: number) =>
      blocks.some((block) => block.equals(bytes.subarray(at, at + UNIT)));
    words = [];
    for (let at = 0; at < bytes.length; at += UNIT)
      if (!isGuests(at))
        for (let word = at; word < Math.min(at + UNIT, bytes.length); word += 8)
          if (bytes.readBigUInt64BE(word) !== 0n) words.push(word);
  });

  async function faults({ target }: MachineCopy): Promise<string[]> {
    const truth = new Map(
      machine.before.points.map(({ source, disks }, point) => [
        source.restorePointId,
        new Map([[disks[0]!.disk, machine.disk(point)]]),
      ]),
    );
    const under = {
      format: 'qcow2',
      chain: machine.chain,
      truth,
      companions: new Map(),
      corrupt: [],
    };
    return (await qemuFaults(target, under, true)).map(({ text }) => text);
  }

  async function saysWell(copy: MachineCopy): Promise<boolean> {
    const sessions = new LocalSessions([copy.source, copy.target]);
    const { result } = await sessions.tryToCopy(JOB, NOW_MS);
    const check = await sessions.verify('offsite', NOW_MS + DAY_MS);
    return result !== 'failed' && check.result === 'success';
  }

  it('merges to what it held, or is told', async () => {
    const draw = drawn(20_261_128);
    // Header, L1, L2, counts.
    expect(words.length).toBeGreaterThan(15);
    const tries = TRIES_OF_A_WORD * words.length;
    let told = 0;
    for (let number = 0; number < tries; number++) {
      const at = words[number % words.length]! + draw(8);
      const copy = await machine.copy();
      const path = copy.pathOf(0, 'image');
      const byte = (await copy.read(path))[at]!;
      const file = await copy.target.openWrite(path, 'existing');
      await file.write(Buffer.from([byte ^ (1 << draw(8))]), at);
      await file.close();
      if (!(await saysWell(copy))) told++;
      else expect([at, await faults(copy)]).toEqual([at, []]);
    }
    expect(told).toBe(tries);
  });

  it('in which a block shows what another holds stays as it is, and is told', async () => {
    const copy = await machine.copy();
    await copy.misplace(0, 4, 6);
    expect(await saysWell(copy)).toBe(false);
    expect(await copy.listed()).toEqual([0, 1, 2, 3]);
  });

  it('and none of which has is merged', async () => {
    const copy = await machine.copy();
    expect(await saysWell(copy)).toBe(true);
    expect(await copy.listed()).toEqual([2, 3]);
    expect(await faults(copy)).toEqual([]);
  });
});
