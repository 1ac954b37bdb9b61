import type { StoreFault } from '../repository/store-requests.js';
import type { PointFault } from './read-points.js';

/** What became of the restore points at one stop with one loss. */
export interface Outcome {
  readonly scenario: string;
  /** Activity that was stopped. */
  readonly step: string;
  /** `twice`: stopped again while the first stop was being recovered from. The others: requests of an object store (`StoreFault`). */
  readonly stop: 'torn' | 'twice' | StoreFault['when'];
  readonly loss: 'none' | 'power';
  readonly pointsRead: number;
  /** qemu-img looked too. */
  readonly isWitnessed: boolean;
  /** Restore points that did not read as they must: faults of each reading. */
  readonly lost: readonly (readonly PointFault[])[];
  /** What else was not as it must be after the change was done again: record, files, digests. */
  readonly wrong: readonly string[];
  readonly bytesRedone: number;
  readonly where: string;
}

export interface TallyRow {
  positions: number;
  witnessed: number;
  pointsRead: number;
  lost: number;
  wrong: number;
  bytesRedone: number;
  mostBytesRedone: number;
}

export class KillTally {
  /** By scenario, then by kind of stop and loss. */
  readonly rows = new Map<string, Map<string, TallyRow>>();
  readonly steps = new Map<string, TallyRow>();
  /** What went wrong, in words; the first ones. */
  readonly findings: string[] = [];

  add(outcome: Outcome): void {
    const { scenario, stop, loss, step } = outcome;
    const kinds = this.rows.get(scenario) ?? new Map<string, TallyRow>();
    this.rows.set(scenario, kinds);
    count(kinds, `${stop} ${loss}`, outcome);
    count(this.steps, step, outcome);
    const lost = outcome.lost.flat().map(({ pointId, text }) => `${pointId} ${text}`);
    for (const text of [...lost, ...outcome.wrong])
      if (this.findings.length < MAX_FINDINGS) this.findings.push(`${outcome.where}: ${text}`);
  }

  /** Adds what another process counted. */
  merge({ rows, steps, findings }: Pick<KillTally, 'rows' | 'steps' | 'findings'>): void {
    for (const [scenario, kinds] of rows) {
      const own = this.rows.get(scenario) ?? new Map<string, TallyRow>();
      this.rows.set(scenario, own);
      for (const [kind, row] of kinds) addRow(own, kind, row);
    }
    for (const [step, row] of steps) addRow(this.steps, step, row);
    this.findings.push(...findings.slice(0, MAX_FINDINGS - this.findings.length));
  }

  get total(): TallyRow {
    const totals = new Map<string, TallyRow>();
    for (const kinds of this.rows.values())
      for (const row of kinds.values()) addRow(totals, 'total', row);
    return totals.get('total') ?? emptyRow();
  }
}

function addRow(rows: Map<string, TallyRow>, key: string, added: TallyRow): void {
  const row = rows.get(key) ?? emptyRow();
  rows.set(key, row);
  row.positions += added.positions;
  row.witnessed += added.witnessed;
  row.pointsRead += added.pointsRead;
  row.lost += added.lost;
  row.wrong += added.wrong;
  row.bytesRedone += added.bytesRedone;
  row.mostBytesRedone = Math.max(row.mostBytesRedone, added.mostBytesRedone);
}

const MAX_FINDINGS = 200;

function count(rows: Map<string, TallyRow>, key: string, outcome: Outcome): void {
  const row = rows.get(key) ?? emptyRow();
  rows.set(key, row);
  row.positions += 1;
  row.witnessed += outcome.isWitnessed ? 1 : 0;
  row.pointsRead += outcome.pointsRead;
  for (const faults of outcome.lost) row.lost += new Set(faults.map(({ pointId }) => pointId)).size;
  row.wrong += outcome.wrong.length;
  row.bytesRedone += outcome.bytesRedone;
  row.mostBytesRedone = Math.max(row.mostBytesRedone, outcome.bytesRedone);
}

function emptyRow(): TallyRow {
  return {
    positions: 0,
    witnessed: 0,
    pointsRead: 0,
    lost: 0,
    wrong: 0,
    bytesRedone: 0,
    mostBytesRedone: 0,
  };
}
