import { describe, expect, it } from 'vitest';
import { checkShares } from '../../../src/dashboard/pages/health/check-words.js';
import { bytes, duration, relative, shellWord } from '../../../src/dashboard/show/format.js';
import { jobWords, scheduleWords } from '../../../src/dashboard/show/job-words.js';
import { FIRST_WISHES, missingOf, wantedJob } from '../../../src/dashboard/pages/jobs/new-job.js';
import { sessionVerdict } from '../../../src/dashboard/show/session-verdict.js';
import type { FileBackupJobView } from '../../../src/api/file-backups/file-backup-schemas.js';
import {
  primaryStartWords,
  primaryWords,
  sayFileBackupRun,
  targetWords,
} from '../../../src/dashboard/pages/file-backups/file-backup-words.js';
import { stockToolLines } from '../../../src/dashboard/pages/workloads/stock-tool.js';
import { isTree, treeToolLines } from '../../../src/dashboard/pages/workloads/tree-tools.js';
import { workloadTypes } from '../../../src/layout/layouts.js';
import { NO_PROGRESS, NO_TASKS, newTask } from '../../../src/domain/sessions/copy-session.js';
import type { SessionView } from '../../../src/api/sessions/session-schemas.js';
import type { CopiesView } from '../../../src/api/safety/overview-schemas.js';

const SECOND = 1_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('values on a page', () => {
  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_536, '1.5 KiB'],
    [2 ** 40, '1.0 TiB'],
  ])('shows %i bytes as %s', (count, text) => expect(bytes(count)).toBe(text));

  it.each([
    [42 * SECOND, '42 s'],
    [200 * SECOND, '3 min 20 s'],
    [2 * HOUR + 5 * 60 * SECOND, '2 h 5 min'],
    [DAY + 11 * HOUR, '1 d 11 h'],
    [6 * DAY + HOUR, '6 d'],
  ])('shows %i ms as %s', (milliseconds, text) => expect(duration(milliseconds)).toBe(text));

  it.each([
    [-90 * SECOND, '1 min 30 s ago'],
    [-200 * SECOND, '3 min ago'],
    [3 * HOUR + 59 * SECOND, 'in 3 h'],
    [-(4 * HOUR + 13 * 60 * SECOND), '4 h ago'],
    [500, 'now'],
  ])('says of an instant %i ms away that it is %s', (distance, text) =>
    expect(relative(DAY + distance, DAY)).toBe(text),
  );

  it('quotes a word for a shell only where it has to', () => {
    expect(shellWord('nightly:web01:20261124T220000Z')).toBe('nightly:web01:20261124T220000Z');
    expect(shellWord("it's here")).toBe(`'it'\\''s here'`);
  });
});

describe('the lines that restore disks without Longhaul', () => {
  const full = { kind: 'full', workloadType: 'libvirt-kvm' } as const;
  const increment = { ...full, kind: 'increment' } as const;
  const file = (format: string, name = `sda.${format}`) => ({
    ...{ disk: 'sda', path: `nightly/web01/p/${name}`, format, sizeBytes: 1 },
  });

  it('are of qemu-img for each disk, of raw ones without a check', () => {
    const files = [
      { disk: 'vda', path: 'nightly/web01/p/vda.qcow2', format: 'qcow2', sizeBytes: 1 },
      { disk: 'sd b', path: 'nightly/web01/p/sdb.raw', format: 'raw', sizeBytes: 1 },
    ];
    expect(stockToolLines('/mnt/offsite/', increment, files)).toEqual([
      'qemu-img check -f qcow2 /mnt/offsite/nightly/web01/p/vda.qcow2',
      'qemu-img convert -f qcow2 -O raw /mnt/offsite/nightly/web01/p/vda.qcow2 vda.raw',
      "qemu-img convert -f raw -O raw /mnt/offsite/nightly/web01/p/sdb.raw 'sd b.raw'",
    ]);
  });

  it.each([
    ['vmdk', 'vmdk', true],
    ['vmdk-stream', 'vmdk', true],
    ['vhd', 'vpc', false],
    ['vhdx', 'vhdx', true],
  ])('call the format %s as qemu does, %s, and check it only if that can be (%s)', (...row) => {
    const [format, name, isChecked] = row;
    expect(stockToolLines('/b', full, [file(format, 'sda')])).toEqual([
      ...(isChecked ? [`qemu-img check -f ${name} /b/nightly/web01/p/sda`] : []),
      `qemu-img convert -f ${name} -O raw /b/nightly/web01/p/sda sda.raw`,
    ]);
  });

  it.each(['vhd', 'vhdx'])(
    'of a differencing %s are none, because qemu-img shows no parent of it',
    (format) => {
      const files = [file(format), { ...file(format), disk: 'sdb' }];
      expect(stockToolLines('/b', increment, files)).toEqual([
        '# it builds on older ones, which qemu-img does not read: restore it with Longhaul, or let Hyper-V read it with them',
      ]);
    },
  );

  it('copy what qemu-img does not read, and name the page that says what takes it', () => {
    const vzdump = { kind: 'full', workloadType: 'proxmox-ve' } as const;
    expect(stockToolLines('/b', vzdump, [file('zstd', 'it is.vma.zst')])).toEqual([
      "cp '/b/nightly/web01/p/it is.vma.zst' .",
      '# docs/COMPATIBILITY.md says what takes them from there ("Restored by", the rows proxmox-ve)',
    ]);
    const agent = { kind: 'increment', workloadType: 'linux-agent' } as const;
    expect(stockToolLines('/b', agent, [file('virtnbd')])).toEqual([
      'cp /b/nightly/web01/p/sda.virtnbd .',
      '# the files of those that it builds on, too',
      '# docs/COMPATIBILITY.md says what takes them from there ("Restored by", the rows linux-agent)',
    ]);
  });
});

describe('the lines of the tool of a copied tree', () => {
  const files = [{ disk: 'files', path: 'nightly/restic-%2E/files', format: 'tree', sizeBytes: 1 }];
  const source = { repositoryId: 'primary', restorePointId: '0123abcd' };

  it.each([
    [
      'restic',
      [
        'restic -r /mnt/offsite/nightly/restic-%2E/files --no-lock check',
        'restic -r /mnt/offsite/nightly/restic-%2E/files --no-lock restore 0123abcd --target restored',
      ],
    ],
    [
      'sql-server',
      [
        'ls /mnt/offsite/nightly/restic-%2E/files',
        `sqlcmd -Q "RESTORE DATABASE [name] FROM DISK = N'FILE' WITH NORECOVERY"`,
      ],
    ],
    ['hpe-storeonce', ['cp -a /mnt/offsite/nightly/restic-%2E/files/. restored/']],
  ])('name the copy and the point: %s', (id, lines) => {
    const { linesInPlace } = workloadTypes().find((type) => type.id === id)!;
    expect(treeToolLines('/mnt/offsite/', { source, files }, linesInPlace)).toEqual(lines);
  });

  it('put what is no plain word of a shell into quotes', () => {
    const odd = { repositoryId: 'primary', restorePointId: "it's {files}" };
    expect(treeToolLines('/b', { source: odd, files }, ['tool {files} {id}'])).toEqual([
      `tool /b/nightly/restic-%2E/files 'it'\\''s {files}'`,
    ]);
  });

  it('take nothing that is a disk for a tree', () => {
    expect(isTree({ files })).toBe(true);
    expect(isTree({ files: [{ ...files[0]!, format: 'qcow2' }] })).toBe(false);
  });
});

describe('a file-backup job in words', () => {
  const job = {
    source: { repositoryId: 'primary', workload: 'shares' },
    primaryBackup: null as string | null,
    schedule: { type: 'daily', time: '22:00', timeZone: 'UTC' },
    keepRemovedForDays: 7,
    copyJobs: ['shares-offsite', 'shares-far'],
    secondaryTargets: [
      { repositoryId: 'offsite', keepRemovedForDays: null, schedule: null, allowedHours: null },
      {
        ...{ repositoryId: 'far', keepRemovedForDays: 1, schedule: { type: 'manual' } },
        allowedHours: {
          spans: [{ days: ['monday'], from: '20:00', to: '06:00' }],
          timeZone: 'UTC',
        },
      },
    ],
  } as unknown as FileBackupJobView;

  it('says who makes the backups, and when', () => {
    expect([primaryWords(job), primaryStartWords(job)]).toEqual([
      'shares in primary, made by something else',
      'New snapshots are noticed, whoever makes them.',
    ]);
    const own = { ...job, primaryBackup: 'nightly' };
    expect([primaryWords(own), primaryStartWords(own)]).toEqual([
      'shares in primary, made by nightly',
      'The backup is made every day at 22:00 (UTC).',
    ]);
  });

  it('says of each target which job copies, when, and what it keeps', () => {
    expect(targetWords(job)).toEqual([
      {
        ...{
          repositoryId: 'offsite',
          copyJob: 'shares-offsite',
          starts: 'after each new snapshot',
        },
        ...{ hours: 'at any time', keeps: '7 days after the primary has removed it' },
      },
      {
        ...{ repositoryId: 'far', copyJob: 'shares-far' },
        starts: 'only when it is started by hand',
        hours: 'begins on Mondays from 20:00 to 06:00 (UTC)',
        keeps: '1 day after the primary has removed it',
      },
    ]);
  });

  it.each([
    ['running', null, 'running'],
    ['ended', null, 'stopped'],
    ['ended', 'failed', 'failed'],
    ['ended', 'success', 'success'],
  ] as const)('says of a run that is %s with %s: %s', (state, result, word) => {
    expect(sayFileBackupRun({ state, result }).word).toBe(word);
  });
});

describe('a job in words', () => {
  it('says what is copied, when, how long it stays and when it is late', () => {
    const wishes = {
      ...FIRST_WISHES,
      name: 'Nightly',
      sources: ['primary'],
      excluded: 'test01\n\n scratch ',
      target: 'offsite',
      weekly: 4,
      timeZone: 'Europe/Berlin',
    };
    expect(missingOf(wishes)).toEqual([]);
    expect(jobWords({ ...wantedJob(wishes), id: 'nightly' })).toBe(
      'Every restore point of everything in primary but test01 and scratch is copied to offsite, every day at 22:00 (Europe/Berlin). ' +
        'The newest 14 restore points of each machine stay; besides, 4 weekly copies (Sundays); what is older is merged or deleted. ' +
        'The newest copy is at most 26 h old, or it is shown as late. ' +
        'What failed is tried again up to 3 times, after 10 minutes. ' +
        'All copies are read and compared on the last Sunday of each month at 05:00 (Europe/Berlin). ' +
        'Copies of a machine that no source shows any more stay for ever.',
    );
  });

  it('says in which hours it copies', () => {
    const wishes = { ...FIRST_WISHES, sources: ['primary'], target: 'offsite', hasHours: true };
    const words = (changes: object) =>
      jobWords({ ...wantedJob({ ...wishes, ...changes }), id: 'nightly' });
    expect(words({})).toContain(
      ' It copies only every day from 20:00 to 06:00 (UTC), and waits outside these hours. ',
    );
    const weekend = { days: ['saturday', 'sunday'], from: '00:00', to: '00:00' } as const;
    expect(words({ hours: [weekend] })).toContain(
      ' It copies only on Saturdays and Sundays all day (UTC), and ',
    );
    expect(missingOf({ ...wishes, name: 'n', hours: [weekend, { ...weekend, days: [] }] })).toEqual(
      ['a day on which it may copy'],
    );
    expect(missingOf({ ...wishes, name: 'n', hours: [] })).toEqual(['hours in which it may copy']);
  });

  it('names what is missing before it can be made', () => {
    expect(missingOf({ ...FIRST_WISHES, start: 'weekly', days: [] })).toEqual([
      'a name',
      'a source',
      'a target',
      'a day of the week',
    ]);
  });

  it('reads a cron expression aloud', () => {
    const schedule = { type: 'cron', expression: '30 22 * * 1-5', timeZone: 'UTC' } as const;
    expect(scheduleWords(schedule)).toMatch(/^at 22:30.*Monday through Friday \(UTC\)$/);
  });
});

describe('the verdict on a session', () => {
  const START = Date.parse('2026-11-26T10:00:00Z');
  const session: SessionView = {
    id: 'nightly-20261126T100000Z',
    jobId: 'nightly',
    targetRepositoryId: 'offsite',
    trigger: 'api',
    startedBy: null,
    tryNumber: 1,
    state: 'running',
    result: null,
    startedAt: new Date(START).toISOString(),
    endedAt: null,
    nextTryAt: null,
    progress: { ...NO_PROGRESS, percent: 41, processedBytes: 41, totalBytes: 2 ** 30 },
    taskCounts: { ...NO_TASKS, running: 1 },
    tasks: [
      { ...newTask('web01', 'w1'), state: 'copying', retry: null, waits: null, bottleneck: null },
    ],
    omittedTasks: 0,
    reason: null,
    waitsUntil: null,
    retry: null,
    waits: null,
    bottleneck: null,
    live: true,
  };
  const verdictOf = (changes: Partial<SessionView>, stillMs: number | null = 0) =>
    sessionVerdict({ ...session, ...changes }, START + 60 * SECOND, stillMs);

  it('tells speed and end of one that moves', () => {
    const progress = { ...session.progress, bytesPerSecond: 2 ** 20, etaSeconds: 600 };
    expect(verdictOf({ progress })).toEqual({
      mood: 'busy',
      sentence: 'It copies at 1.0 MiB/s and is at 41 % of 1.0 GiB; done in about 10 min.',
    });
  });

  it('tells what takes most of the time of one that moves', () => {
    const sentences = (['source', 'target', 'limit', 'processor', null] as const).map(
      (bottleneck) => verdictOf({ bottleneck }).sentence.split('. ')[1],
    );
    expect(sentences).toEqual([
      'Most of the time goes to reading the source.',
      'Most of the time goes to writing the target.',
      'A rate limit holds it back most of the time.',
      'Most of the time goes to the processor: digests and compression.',
      undefined,
    ]);
  });

  it('tells one that waits for its hours when it goes on', () => {
    const waitsUntil = new Date(START + (4 * 3_600 + 60) * SECOND).toISOString();
    const reason = 'outside the allowed hours of the job';
    expect(verdictOf({ state: 'waiting', reason, waitsUntil })).toEqual({
      mood: 'quiet',
      sentence:
        'It waits at 41 % of 1.0 GiB, outside the allowed hours of the job, and goes on by itself in 4 h.',
    });
  });

  it('does not call one busy whose worker has not moved, is not there, or waits', () => {
    expect(verdictOf({}, 20 * SECOND)).toMatchObject({
      mood: 'attention',
      sentence: expect.stringMatching(/^Nothing has moved for 20 s, at 41 %/),
    });
    expect(verdictOf({ live: false }).mood).toBe('unknown');
    const retry = { attempt: 2, code: null, reason: 'offsite is not mounted', nextTryAt: null };
    const tasks = session.tasks.map((task) => ({ ...task, retry }));
    expect(verdictOf({ tasks })).toEqual({
      mood: 'attention',
      sentence: 'Everything in work waits: offsite is not mounted.',
    });
    const waits = {
      ...{ repositoryId: 'nas1', seconds: 75, step: 'planCopy' },
      code: 'REPOSITORY_UNREACHABLE',
      reason: 'storage of nas1 has not answered for 75 s (planCopy)',
    } as const;
    const hanging = session.tasks.map((task) => ({ ...task, waits, retry }));
    expect(verdictOf({ tasks: hanging }).sentence).toBe(
      'Everything in work waits: storage of nas1 has not answered for 75 s (planCopy).',
    );
  });

  it('names what went wrong in one that has ended before what went well', () => {
    const ended = {
      state: 'ended',
      result: 'failed',
      endedAt: new Date(START + 90 * SECOND).toISOString(),
    } as const;
    expect(verdictOf({ ...ended, taskCounts: { ...NO_TASKS, success: 2, failed: 1 } })).toEqual({
      mood: 'bad',
      sentence: 'It took 1 min 30 s: 1 workload failed and 2 workloads were copied.',
    });
  });

  it('calls nothing copied of one that copied nothing', () => {
    const ended = { state: 'ended', result: 'warning', endedAt: session.startedAt } as const;
    const task = { ...session.tasks[0]!, state: 'ended', result: 'warning' } as const;
    const empty = { ...task, workloadId: null, workload: 'repository primary' };
    const counts = { ...NO_TASKS, warning: 2 };
    expect(verdictOf({ ...ended, taskCounts: counts, tasks: [task, empty] }).sentence).toBe(
      'It took 0 s: 1 workload ended with a warning and 1 warning is of a source or of the job itself.',
    );
  });
});

describe('the share of bytes by their last check', () => {
  it('counts what was not all verified apart, and is never green for it', () => {
    const now = 100 * DAY;
    const chain = (daysAgo: number | null, storedBytes: number, never = 0) =>
      ({
        oldestVerifiedAt: daysAgo === null ? null : new Date(now - daysAgo * DAY).toISOString(),
        neverVerifiedCount: never,
        storedBytes,
      }) as CopiesView;
    const rows = [chain(1, 40), chain(20, 30), chain(95, 10), chain(1, 15, 2), chain(null, 5)];
    expect(checkShares(rows, now).map(({ name, percent, mood }) => [name, percent, mood])).toEqual([
      ['within 7 days', 40, 'good'],
      ['within 30 days', 30, 'good'],
      ['within 90 days', 0, 'attention'],
      ['longer ago', 10, 'bad'],
      ['not all verified', 20, 'unknown'],
    ]);
  });
});
