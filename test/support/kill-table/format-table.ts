import { wholePlan, type Plan } from './kill-table.js';
import type { ScenarioName } from './scenarios.js';
import type { SourceFormat } from './source-format.js';

/** What is done where nothing is merged in place. */
const WITHOUT_MERGE: Readonly<Partial<Record<ScenarioName, ScenarioName>>> = {
  'merge in a chain of 2': 'synthetic full and delete in a chain of 2, without merge',
  'merge of zeros alone': 'synthetic full and delete of zeros alone, without merge',
  'two merges in a chain of 6': 'synthetic full and three deletes in a chain of 6, without merge',
  'synthetic full and delete instead of a merge':
    'synthetic full and delete of points with two digests',
};

/** Where each point is a full, no other hides what is damaged in it or goes with it, and a file that is copied as it is tells of no block that was written to later. */
const NEEDS_INCREMENTS: readonly ScenarioName[] = [
  'quarantine of what cannot be healed',
  'copy again of what has grown',
  'delete by an operator',
  'set aside by an operator',
];

/** All that chains of qcow2 are tried with, as it is for a format in which nothing is merged in place.
 *  @param every at every how many operations; 1: at all */
export function wholeFormatPlan(format: SourceFormat, every: number): Plan {
  return wholePlan(every).flatMap(([name, effort]) => {
    const own = WITHOUT_MERGE[name] ?? name;
    if (format.isFullsOnly === true && NEEDS_INCREMENTS.includes(own)) return [];
    return [[own, effort] as const];
  });
}

/** For every build: one of each kind of change, at few of its operations, and each format at others. */
const REDUCED: Plan = [
  ['copy of a chain of 2', { powerCuts: 1, stride: 149, witnessStride: 149 }],
  ['copy by digests', { powerCuts: 1, stride: 97, witnessStride: 0 }],
  [
    'synthetic full and delete in a chain of 2, without merge',
    { powerCuts: 1, stride: 31, witnessStride: 0 },
  ],
  ['delete of a removed workload', { powerCuts: 1, stride: 61, witnessStride: 0 }],
  ['heal of damaged blocks', { powerCuts: 1, stride: 83, witnessStride: 0 }],
];

/** Its part of the positions is another for each format. */
export function reducedFormatPlan(index: number): Plan {
  return REDUCED.map(([name, effort]) => [
    name,
    { ...effort, part: { index: index % 3, count: 3 } },
  ]);
}
