import { beforeAll, describe, expect, it } from 'vitest';
import { GrowingSource } from '../../support/living/growing-source.js';
import { CallCounter } from '../../support/repository/count-calls.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const DAY_MS = 86_400_000;
const FIRST_MS = Date.parse('2026-01-01T01:00:00Z');
const POINTS = Number(process.env.LONG_CHAIN_POINTS ?? 60);

/** What one restore point costs, from the beginning of its plan to that of the next one. */
interface PointCost {
  readonly sourceOpens: number;
  readonly sourceLists: number;
  readonly sourceStats: number;
  readonly sourceReadBytes: number;
  readonly targetOpens: number;
  readonly targetLists: number;
  readonly targetStats: number;
  readonly targetReadBytes: number;
  readonly cpuMs: number;
}

describe('the copy of one more point of a long chain', () => {
  const costs: PointCost[] = [];
  beforeAll(async () => {
    const source = new SimulatedRepository('primary');
    const target = new SimulatedRepository('offsite');
    const machine = new GrowingSource(source, 'mail01', { blockCount: 4 });
    await machine.backUp(FIRST_MS, 'full');
    for (let day = 1; day < POINTS; day++) {
      machine.work(1);
      await machine.backUp(FIRST_MS + day * DAY_MS, 'incremental');
    }
    const ofSource = new CallCounter(source);
    const ofTarget = new CallCounter(target);
    let cpu = process.cpuUsage();
    const sessions = new LocalSessions([source, target], {
      beforeActivity: async (name) => {
        if (name !== 'planCopy') return;
        const { user, system } = process.cpuUsage(cpu);
        costs.push({
          sourceOpens: ofSource.opened.length,
          sourceLists: ofSource.listed.length,
          sourceStats: ofSource.stats,
          sourceReadBytes: ofSource.readBytes,
          targetOpens: ofTarget.opened.length,
          targetLists: ofTarget.listed.length,
          targetStats: ofTarget.stats,
          targetReadBytes: ofTarget.readBytes,
          cpuMs: Math.round((user + system) / 1_000),
        });
        ofSource.reset();
        ofTarget.reset();
        cpu = process.cpuUsage();
      },
    });
    await sessions.copy(
      testJob({ restorePoints: 'all', retention: { type: 'restorePoints', value: 999 } }),
      FIRST_MS + POINTS * DAY_MS,
    );
    if (process.env.LONG_CHAIN_POINTS !== undefined) tellCpu(costs);
  }, 600_000);

  it('opens, lists, looks at and reads in the source no more than an early one', () => {
    const { cpuMs: _, ...late } = costs.at(-1)!;
    const { cpuMs: __, ...early } = costs[20]!;
    expect(costs).toHaveLength(POINTS);
    const ofSource = ({ sourceOpens, sourceLists, sourceStats, sourceReadBytes }: typeof late) => ({
      ...{ sourceOpens, sourceLists, sourceStats, sourceReadBytes },
    });
    expect(ofSource(late)).toEqual(ofSource(early));
  });

  it('opens, lists and looks at in the target no more than an early one', () => {
    const ofTarget = ({ targetOpens, targetLists, targetStats }: PointCost) => ({
      ...{ targetOpens, targetLists, targetStats },
    });
    expect(ofTarget(costs.at(-1)!)).toEqual(ofTarget(costs[20]!));
  });
});

/** For measuring by hand: `LONG_CHAIN_POINTS=300 npx vitest run …/long-chain-costs.test.ts`. */
function tellCpu(costs: readonly PointCost[]): void {
  for (let end = 50; end <= costs.length; end += 50) {
    const last = costs.slice(end - 20, end);
    const cpuMs = last.reduce((sum, cost) => sum + cost.cpuMs, 0) / last.length;
    console.log({ points: end, ...last.at(-1), cpuMs: Math.round(cpuMs) });
  }
}
