import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { encodeUnifiedSearchAttributes } from '@temporalio/common/lib/converter/payload-search-attributes.js';
import { msNumberToTs } from '@temporalio/common/lib/time.js';
import { JOB_ID, RESULT } from '../../../workflows/messages.js';

export interface MemoryExecution {
  readonly workflowId: string;
  readonly runId: string;
  readonly type: string;
  readonly status: keyof typeof STATUS;
  readonly startMs: number;
  /** null: it runs. */
  readonly closeMs: number | null;
  readonly jobId: string;
  readonly result?: string;
  readonly memo?: object;
}

/** WorkflowExecutionStatus of the API, by the names that queries use. */
const STATUS = {
  ...{ Running: 1, Completed: 2, Failed: 3, Canceled: 4, Terminated: 5 },
  ...{ ContinuedAsNew: 6, TimedOut: 7 },
} as const;

/** Lists of workflows in memory, by page and by what of the query language the API uses. Running ones first, then the newest end first. */
export class MemoryExecutions {
  executions: MemoryExecution[] = [];
  /** Asked so far. */
  readonly queries: string[] = [];

  /** Lists alone; `more` is what else a test needs. */
  client(more: object = {}): Client {
    const loadedDataConverter = { payloadConverter: defaultPayloadConverter, payloadCodecs: [] };
    return {
      options: { namespace: 'memory', loadedDataConverter },
      workflowService: { listWorkflowExecutions: async (asked: Asked) => this.list(asked) },
      ...more,
    } as unknown as Client;
  }

  private async list({ query, pageSize, nextPageToken }: Asked) {
    await Promise.resolve();
    this.queries.push(query);
    const isWanted = conditionOf(query);
    const found = this.executions
      .filter(isWanted)
      .sort((a, b) => (b.closeMs ?? Infinity) - (a.closeMs ?? Infinity) || b.startMs - a.startMs);
    const from = Number(Buffer.from(nextPageToken ?? []).toString() || 0);
    const next = from + pageSize < found.length ? Buffer.from(String(from + pageSize)) : null;
    return { executions: found.slice(from, from + pageSize).map(rawOf), nextPageToken: next };
  }
}

interface Asked {
  readonly query: string;
  readonly pageSize: number;
  readonly nextPageToken?: Uint8Array;
}

function rawOf(each: MemoryExecution) {
  const { workflowId, runId, type, status, startMs, closeMs, jobId, result, memo = {} } = each;
  const attributes = [
    { key: JOB_ID, value: jobId },
    ...(result === undefined ? [] : [{ key: RESULT, value: result }]),
  ];
  const fields = Object.entries(memo).map(([name, value]) => [
    ...[name, defaultPayloadConverter.toPayload(value)],
  ]);
  return {
    ...{ execution: { workflowId, runId }, type: { name: type }, status: STATUS[status] },
    ...{ historyLength: { toNumber: () => 10 }, startTime: msNumberToTs(startMs) },
    closeTime: closeMs === null ? undefined : msNumberToTs(closeMs),
    memo: { fields: Object.fromEntries(fields) as object },
    searchAttributes: { indexedFields: encodeUnifiedSearchAttributes(undefined, attributes) },
  };
}

type Condition = (execution: MemoryExecution) => boolean;

/** `AND` binds before `OR`, as in SQL. */
function conditionOf(query: string): Condition {
  const words = query.match(/'(?:[^']|'')*'|[()]|[<>!]=|[<>=,]|\w+/g) ?? [];
  let at = 0;
  const take = (): string => words[at++] ?? '';
  const any = (): Condition => {
    const terms = [all()];
    while (words[at] === 'OR') terms.push((at++, all()));
    return (each) => terms.some((term) => term(each));
  };
  const all = (): Condition => {
    const factors = [one()];
    while (words[at] === 'AND') factors.push((at++, one()));
    return (each) => factors.every((factor) => factor(each));
  };
  const one = (): Condition => {
    const name = take();
    if (name === '(') {
      const inner = any();
      take();
      return inner;
    }
    const operator = take();
    const values: string[] = [];
    // Before each value stands a bracket or a comma.
    if (operator === 'IN') while (take() !== ')') values.push(unquoted(take()));
    else values.push(unquoted(take()));
    return (each) => compares(valueOf(each, name), operator, values);
  };
  const condition = any();
  if (at !== words.length) throw new Error(`not understood from ${words[at] ?? ''}: ${query}`);
  return condition;
}

function unquoted(text: string): string {
  return text.slice(1, -1).replaceAll("''", "'");
}

function compares(value: string | null, operator: string, [first = '', ...rest]: string[]) {
  if (operator === '!=') return value !== first;
  if (value === null) return false;
  switch (operator) {
    case '=':
      return value === first;
    case 'IN':
      return [first, ...rest].includes(value);
    case '<':
      return value < first;
    case '>':
      return value > first;
    case '>=':
      return value >= first;
    default:
      throw new Error(`no operator ${operator}`);
  }
}

/** Instants as texts of one form, which compare as they lie. */
function valueOf(each: MemoryExecution, name: string): string | null {
  switch (name) {
    case 'WorkflowType':
      return each.type;
    case 'WorkflowId':
      return each.workflowId;
    case 'ExecutionStatus':
      return each.status;
    case 'StartTime':
      return new Date(each.startMs).toISOString();
    case 'CloseTime':
      return each.closeMs === null ? null : new Date(each.closeMs).toISOString();
    case JOB_ID.name:
      return each.jobId;
    case RESULT.name:
      return each.result ?? null;
    default:
      throw new Error(`no attribute ${name}`);
  }
}
