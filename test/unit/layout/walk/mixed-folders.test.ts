import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SourceWorkload } from '../../../../src/domain/sources/source-workload.js';
import { scanRepository, scanWorkload } from '../../../../src/layout/scan-repository.js';
import { listedTwice, notClaimedOnce } from '../../../support/layout/claimed-once.js';
import { MIXED_PARTS, MIXED_PLACES, type MixedPart } from '../../../support/layout/mixed-parts.js';
import { copyToRepository, type RepositoryCopy } from '../../../support/layout/repository-copy.js';
import fc from '../../../support/properties.js';

interface Placed {
  readonly part: MixedPart;
  readonly place: (day: number) => string;
}

/** Written on the days of their dates. */
async function put({ at }: RepositoryCopy, placed: readonly Placed[]): Promise<void> {
  for (const day of [1, 2])
    for (const { part, place } of placed)
      for (const [path, bytes] of Object.entries(part.filesOf(day))) {
        const to = at([place(day), path].filter((one) => one !== '').join('/'));
        await mkdir(dirname(to), { recursive: true });
        await writeFile(to, bytes);
        const written = new Date(Date.UTC(2026, 10, 20 + day, 2));
        await utimes(to, written, written);
      }
}

async function treeOf(...placed: readonly Placed[]): Promise<RepositoryCopy> {
  const copy = await copyToRepository(null);
  await put(copy, placed);
  return copy;
}

/** Ids of workloads and of their points, with what each point has. */
function pointsOf(workloads: readonly SourceWorkload[]): string[] {
  return workloads.flatMap(({ id, tree, restorePoints }) =>
    (tree?.points ?? restorePoints).map((point) => `${id} ${point.id}`),
  );
}

const part = fc.constantFrom(...MIXED_PARTS);
const place = fc.constantFrom(...MIXED_PLACES);
const trees = fc.uniqueArray(fc.record({ part, place }), {
  minLength: 2,
  maxLength: 5,
  selector: (one) => one.part.kind,
});

/** More of them: `MIXED_RUNS=500 LONGHAUL_SEED=random`. */
const RUNS = Number(process.env['MIXED_RUNS'] ?? 25);

const described = (placed: readonly Placed[]): string[] =>
  placed.map(({ part: one, place: at }) => `${one.name} in "${at(1)}"`);

describe('folders that several tools share', () => {
  it('have each file claimed, or named, once; what one tool leaves is the same beside the others', async () => {
    await fc.assert(
      fc.asyncProperty(trees, async (placed) => {
        const all = await treeOf(...placed);
        const found = await scanRepository(all.repository, { onUnseen() {}, onUnrecognised() {} });
        const problems = [...(await notClaimedOnce(all)), ...listedTwice(found)];
        const seen = new Set(pointsOf(found));
        for (const one of placed) {
          const alone = await treeOf(one);
          for (const point of pointsOf(await scanRepository(alone.repository, { onUnseen() {} })))
            if (!seen.has(point)) problems.push(`gone: ${point} of ${one.part.name}`);
        }
        for (const workload of found) {
          const { id, folders } = workload;
          const again = await scanWorkload(all.repository, id, folders);
          if (
            JSON.stringify(again?.tree ?? again?.restorePoints) !==
            JSON.stringify(workload.tree ?? workload.restorePoints)
          )
            problems.push(`another look: ${id}`);
        }
        expect({ placed: described(placed), problems }).toEqual({
          placed: described(placed),
          problems: [],
        });
      }),
      { numRuns: RUNS, endOnFailure: process.env['MIXED_RUNS'] === undefined },
    );
  }, 900_000);
});
