import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JOB, openCommandBench, type CommandBench } from './command-bench.js';

let bench: CommandBench;
beforeEach(async () => {
  bench = await openCommandBench();
});
afterEach(() => bench.close());

describe('repository commands', () => {
  it('reads every page of the restore points and sums their disks', async () => {
    const point = {
      id: 'nightly:web01:p1',
      workload: 'web01',
      workloadType: 'olvm-rhv',
      jobId: 'nightly',
      createdAt: '2026-11-24T22:00:00Z',
      copiedAt: null,
      kind: 'full',
      parentId: null,
      chainId: null,
      complete: true,
      state: 'complete',
      reason: null,
      lookAgainAt: null,
      health: 'good',
      verifiedAt: '2026-11-28T05:00:00Z',
      retention: ['weekly'],
      keptUntil: '2026-12-20T00:00:00.000Z',
      keptBecause: ['weekly 2 of 4'],
      files: [
        { disk: 'vda', path: 'a', format: 'qcow2', sizeBytes: 1_024 },
        { disk: 'vdb', path: 'b', format: 'qcow2', sizeBytes: 512 },
      ],
      source: null,
    };
    const path = 'GET /repositories/offsite/restore-points?workload=web01';
    bench.answer({
      [path]: { body: { items: [point], nextCursor: 'a b' } },
      [`${path}&cursor=a%20b`]: { body: { items: [{ ...point, id: 'second' }] } },
    });
    const { out } = await bench.run(['restore-point', 'list', 'offsite', '-w', 'web01']);
    const lines = out.trimEnd().split('\n');
    expect(lines[1]?.split(/ {2,}/)).toEqual([
      'nightly:web01:p1',
      'web01',
      '2026-11-24 22:00:00Z',
      'full',
      'complete',
      'good',
      '2026-11-28 05:00:00Z',
      '1.5 KiB',
      'weekly 2 of 4',
    ]);
    expect(lines[2]).toMatch(/^second /);

    const awaited = { ...point, state: 'inProgress', lookAgainAt: '2026-11-24T22:01:30Z' };
    bench.answer({ [path]: { body: { items: [awaited] } } });
    const list = await bench.run(['restore-point', 'list', 'offsite', '-w', 'web01']);
    expect(list.out).toContain(' inProgress until 2026-11-24 22:01:30Z ');
  });

  const OFFSITE = {
    id: 'offsite',
    kind: 'directory',
    place: '/mnt/offsite',
    folder: '/mnt/offsite',
    settings: { path: '/mnt/offsite', folderSync: 'required', stamps: 'strong' },
    role: 'target',
    taskLimit: 4,
    immutableForDays: 0,
    usedSlots: 0,
    reachable: true,
    reason: null,
    totalBytes: 1_000,
    freeBytes: 400,
    growth: {
      ...{ since: '2026-11-01', samples: 20, bytesPerDay: 2_048 },
      ...{ leastBytesPerDay: -1_024, mostBytesPerDay: 3_072 },
      ...{ fullAt: '2027-02-01T12:00:00.000Z', earliestFullAt: '2027-01-01T12:00:00.000Z' },
      latestFullAt: null,
    },
  };
  const ABILITIES = {
    readAfterWrite: true,
    renameOver: true,
    fileSync: true,
    folderSync: false,
    sparseFiles: null,
    caseSensitive: false,
    accentSensitive: true,
    modifiedTimeStepNs: 1_000_000_000,
    longestNameBytes: 255,
  };

  it.each([
    [6, ['Folders cannot be synced.'], []],
    [8, [], ['Folders cannot be synced, and that is accepted.']],
    [0, [], []],
  ])('shows what a storage can do and ends with %i', async (exit, faults, warnings) => {
    const storage = { probedAt: '2026-11-26T00:00:00Z', abilities: ABILITIES, faults, warnings };
    bench.answer({ 'POST /repositories/offsite/check': { body: { ...OFFSITE, storage } } });
    const { code, out } = await bench.run(['repository', 'check', 'offsite']);
    expect(code).toBe(exit);
    expect(out).toMatch(/^Syncs folders +no$/m);
    expect(out).toMatch(/^Upper and lower case +are one$/m);
    expect(out).toMatch(/^Encodings of an accent +differ$/m);
    expect(out).toMatch(
      /^Growth +2\.0 KiB a day; nine in ten: -1\.0 KiB to 3\.0 KiB; from 20 days$/m,
    );
    expect(out).toMatch(
      /^Full +2027-02-01; 2027-01-01 at the earliest, perhaps never at the latest$/m,
    );
    for (const sentence of [...faults, ...warnings]) expect(out).toContain(sentence);
  });

  it('ends with 5 when a repository that is checked is not reached', async () => {
    const body = { ...OFFSITE, reachable: false, reason: 'is it mounted?', storage: null };
    bench.answer({ 'POST /repositories/offsite/check': { body } });
    const { code, out } = await bench.run(['repository', 'check', 'offsite']);
    expect([code, out]).toEqual([5, expect.stringContaining('no: is it mounted?')]);
  });

  it('restores into an absolute folder and waits for the end', async () => {
    const point = '/repositories/offsite/restore-points/nightly%3Aweb01%3Ap1';
    const operation = {
      id: 'restore.offsite.x',
      kind: 'restore',
      repositoryId: 'offsite',
      startedAt: '',
      endedAt: null,
      live: true,
      state: 'ended',
      result: 'failed',
      processedBytes: 0,
      totalBytes: 0,
      code: 'REPOSITORY_FULL',
      reason: 'no room',
      notes: [],
    };
    bench.answer({
      [`POST ${point}/restore`]: { status: 202, body: { operationId: operation.id } },
      [`GET /operations/${operation.id}`]: { body: operation },
    });
    const { code, out } = await bench.run([
      'restore',
      'offsite',
      'nightly:web01:p1',
      '--to',
      'here',
      '--format',
      'raw',
    ]);
    expect(bench.seen[0]?.body).toEqual({
      destination: { path: join(bench.folder, 'here') },
      format: 'raw',
    });
    expect(code).toBe(6);
    expect(out).toContain('REPOSITORY_FULL: no room');
  });
});

describe('every command', () => {
  it('shows control characters and turning marks of names as escapes', async () => {
    const name = 'evil\u001b[2J\u202egpj\r\n\u009b';
    bench.answer({ 'GET /jobs': { body: { items: [{ ...JOB, name }] } } });
    const { out } = await bench.run(['job', 'list']);
    expect(out).toContain('evil\\u001b[2J\\u202egpj\\u000d\\u000a\\u009b');
    for (const acting of ['\u001b', '\u202e', '\r', '\u009b']) expect(out).not.toContain(acting);
  });

  it('makes a table fit the terminal, and leaves what is piped whole', async () => {
    const name = 'Nightly copy of all machines in the two halls of Bergen and Oslo';
    bench.answer({ 'GET /jobs': { body: { items: [{ ...JOB, name }] } } });
    const piped = await bench.run(['job', 'list']);
    expect(piped.out).toContain(name);
    const shown = await bench.run(['job', 'list'], { isInteractive: true });
    expect(shown.out).toMatch(/ Nightly [^…]*… {2}/);
    expect(Math.max(...shown.out.split('\n').map((line) => line.length))).toBe(100);
    const json = await bench.run(['job', 'list', '--json'], { isInteractive: true });
    expect(json.out).toContain(name);
  });

  it('shows a plan whose workload names act on a terminal as escapes, each in its line', async () => {
    const workload = 'db\u001b[2J\nweb01: success\u202e\u2028';
    const retention = { keep: [{ id: 'p1', reasons: ['newest'] }], actions: [], warnings: ['odd'] };
    const entry = { algorithm: 'full', restorePoints: ['p1'], estimatedBytes: 1, reasons: ['new'] };
    bench.answer({
      'GET /jobs/nightly/plan': {
        body: { workloads: [{ workload, ...entry, retention, omitted: 0 }] },
      },
    });
    const { out } = await bench.run(['job', 'plan', 'nightly']);
    const shown = 'db\\u001b[2J\\u000aweb01: success\\u202e\\u2028';
    expect(out.split('\n').slice(2)).toEqual([
      `${shown}: warning: odd`,
      `${shown}: keep p1: newest`,
      '',
    ]);
  });

  it('shows names in JSON so that they mean the same and act on no terminal', async () => {
    const name = 'a\u009b31m\u202eb\u007f\u200b\ufeff';
    bench.answer({ 'GET /jobs/x': { body: { ...JOB, name } } });
    const { out } = await bench.run(['job', 'show', 'x', '--json']);
    expect(out).toContain('a\\u009b31m\\u202eb\\u007f\\u200b\\ufeff');
    expect(JSON.parse(out)).toMatchObject({ name });
  });

  it('shows words that were typed wrongly as escapes', async () => {
    const { code, err } = await bench.run(['no\u001b[2Jcommand']);
    expect(code).toBe(2);
    expect(err).toContain("unknown command 'no\\u001b[2Jcommand'");
  });

  it.each([
    ['an HTML page of a proxy', { status: 502, text: '<html>Bad Gateway</html>' }],
    ['an HTML page with status 200', { text: '<html>Log in</html>' }],
    ['half a JSON', { text: '{"items": [' }],
    ['another program', { text: '{}' }],
    // What `temporal server start-dev` answers at the port of its interface.
    ['Temporal', { status: 404, text: '{"code":5,"message":"Not Found","details":[]}' }],
    ['a program with errors of its own', { status: 404, text: '{"code":"not_found"}' }],
  ])('tells in words that %s is no answer of Longhaul', async (_what, answer) => {
    bench.answer({ 'GET /jobs': answer });
    const { code, out, err } = await bench.run(['job', 'list']);
    expect([code, out]).toEqual([5, '']);
    expect(err).toMatch(/^SERVER_ANSWER_UNKNOWN: .*\nCheck --server.*\n$/);
  });

  it('shows an error of the server that it has no code for, without a stack', async () => {
    const body = { code: 'INTERNAL_ERROR', detail: 'a bug', hint: 'The log has the details.' };
    bench.answer({ 'GET /jobs': { status: 500, body } });
    const { code, err } = await bench.run(['job', 'list']);
    expect([code, err]).toEqual([1, 'INTERNAL_ERROR: a bug\nThe log has the details.\n']);
  });

  it.each([
    ['is empty', ''],
    ['holds more than one word', 'one\ntwo'],
    ['holds more than one word', 'schlüssel'],
  ])('tells that a token file %s (%j)', async (what, token) => {
    writeFileSync(join(bench.folder, 'token'), token);
    const { code, err } = await bench.run([
      'job',
      'list',
      '--token-file',
      join(bench.folder, 'token'),
    ]);
    expect([code, err]).toEqual([2, expect.stringContaining(`the token file ${what}`)]);
  });

  it('ends as not found when the restore point that was named is not there', async () => {
    const ended = { state: 'ended', result: 'failed', code: 'RESTORE_POINT_MISSING', notes: [] };
    const operation = { id: 'o', reason: 'none', endedAt: null, processedBytes: 0, totalBytes: 0 };
    bench.answer({
      'POST /repositories/offsite/restore-points/p/verify': { body: { operationId: 'o' } },
      'GET /operations/o': { body: { ...operation, ...ended } },
    });
    expect((await bench.run(['restore-point', 'verify', 'offsite', 'p'])).code).toBe(3);
  });

  it('shows control characters of errors as escapes', async () => {
    bench.answer({
      'GET /jobs/x': {
        status: 404,
        body: { code: 'JOB_MISSING', detail: 'no \u001b[31mjob', hint: 'List.' },
      },
    });
    const { err } = await bench.run(['job', 'show', 'x']);
    expect(err).toBe('JOB_MISSING: no \\u001b[31mjob\nList.\n');
  });

  it.each([
    ['REQUEST_INVALID', 400, 2],
    ['JOB_RULE_BROKEN', 422, 2],
    ['JOB_MISSING', 404, 3],
    ['JOB_REVISION_STALE', 409, 4],
    ['TEMPORAL_UNREACHABLE', 503, 5],
    ['REPOSITORY_FULL', 507, 5],
    ['RESTORE_POINT_BROKEN', 500, 6],
    ['INTERNAL_ERROR', 500, 1],
  ])('ends on %s with its exit code', async (name, status, code) => {
    bench.answer({ 'GET /jobs': { status, body: { code: name, detail: 'd', hint: 'h' } } });
    const answer = await bench.run(['job', 'list']);
    expect(answer.code).toBe(code);
    expect(answer.err).toContain(`${name}: d`);
    expect(answer.out).toBe('');
  });

  it('says that no server answers', async () => {
    const { code, err } = await bench.run(['job', 'list', '--server', 'http://127.0.0.1:1']);
    expect(code).toBe(5);
    expect(err).toBe(
      'SERVER_UNREACHABLE: no answer from http://127.0.0.1:1\nStart it with `longhaul serve`, or set --server.\n',
    );
  });

  it.each(['localhost:8420', 'backup.example.com', '', 'ftp://127.0.0.1'])(
    'does not look for a server at %j, which is no address',
    async (server) => {
      const { code, err } = await bench.run(['job', 'list', '--server', server]);
      expect(code).toBe(2);
      expect(err).toMatch(/^REQUEST_INVALID: the server address ".*" is none\nGive --server .*\n$/);
    },
  );

  it('sends the token of the file that a flag or a variable names', async () => {
    bench.answer({ 'GET /jobs': { body: { items: [] } } });
    writeFileSync(join(bench.folder, 'token'), 'secret\n');
    const tokenFile = join(bench.folder, 'token');
    await bench.run(['job', 'list', '--token-file', tokenFile]);
    await bench.run(['job', 'list'], {
      environment: { LONGHAUL_SERVER: bench.url, LONGHAUL_TOKEN_FILE: tokenFile },
    });
    expect(bench.seen.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer secret',
      'Bearer secret',
    ]);
  });

  it.each([
    [['job']],
    [['job', 'fly']],
    [['job', 'show']],
    [['job', 'list', '--colour']],
    [['nonsense']],
  ])('answers wrong usage %j with exit code 2', async (words) => {
    const { code, err } = await bench.run(words);
    expect(code).toBe(2);
    expect(err).not.toBe('');
  });

  it('shows its help as a success', async () => {
    const { code, out } = await bench.run(['session', '--help']);
    expect(code).toBe(0);
    expect(out).toContain('follow [options] <session>');
  });
});

describe('server commands', () => {
  it('passes the configuration file on and ends with the exit code of the server', async () => {
    expect((await bench.run(['serve', '--config', 'full.yaml'])).code).toBe(42);
  });

  it('starts a worker for the repositories that are named', async () => {
    expect((await bench.run(['worker', '-r', 'a', 'b', '--control'])).code).toBe(12);
  });
});
