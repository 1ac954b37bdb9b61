import { describe, expect, it } from 'vitest';
import type { CopyJob } from '../../../../src/domain/jobs/copy-job.js';
import { matchesPattern } from '../../../../src/domain/jobs/name-pattern.js';
import { sourceScope } from '../../../../src/domain/jobs/source-scope.js';

describe('a pattern of names', () => {
  it.each([
    ['test-*', 'test-01', true],
    ['test-*', 'test-', true],
    ['test-*', 'latest-01', false],
    ['test-*', 'Test-01', false],
    ['*-db', 'web-db', true],
    ['*-db', 'web-db2', false],
    ['*a*b*', 'xaxxabx', true],
    ['*a*b*', 'xbxxa', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['web0?', 'web01', true],
    ['web0?', 'web0', false],
    ['?', '😀', true],
    ['web.1', 'webx1', false],
    ['[ab]', 'a', false],
    ['', '', true],
    ['*', '', true],
  ])('%s and %s: %s', (pattern, text, isMatch) => {
    expect(matchesPattern(pattern, text)).toBe(isMatch);
  });

  it('takes no longer than both lengths allow for what a regular expression would try for ever', () => {
    const began = performance.now();
    expect(matchesPattern(`${'*a'.repeat(120)}b`, 'a'.repeat(255))).toBe(false);
    expect(performance.now() - began).toBeLessThan(500);
  });
});

describe('the scope of a job with patterns', () => {
  const scope = (sources: CopyJob['sources']) => {
    const isInScope = sourceScope({ sources });
    return (id: string, name = id) => isInScope('primary', { id, name });
  };

  it('takes what is named or of a pattern, by id or name', () => {
    const takes = scope({
      include: [{ repositoryId: 'primary', workloads: ['db01'], patterns: ['web-*'] }],
      exclude: [],
    });
    expect([takes('db01'), takes('web-1'), takes('x', 'web-2'), takes('db02')]).toEqual([
      ...[true, true, true, false],
    ]);
  });

  it('takes, and does not leave out, by an id that a workload had before', () => {
    const workload = { id: 'web', name: 'web', otherIds: ['disk-d:a.qcow2'] };
    const whole = [{ repositoryId: 'primary' }];
    const named = [{ repositoryId: 'primary', workloads: ['disk-d:a.qcow2'] }];
    const exclude = [{ workload: 'disk-d:a.qcow2' }];
    expect(sourceScope({ sources: { include: named, exclude: [] } })('primary', workload)).toBe(
      true,
    );
    expect(sourceScope({ sources: { include: whole, exclude } })('primary', workload)).toBe(true);
  });

  it('leaves out what is of an excluded pattern, also where it is of an included one', () => {
    const takes = scope({
      include: [{ repositoryId: 'primary', patterns: ['web-*'] }],
      exclude: [{ pattern: '*-test' }, { workload: 'web-old' }],
    });
    expect([takes('web-1'), takes('web-test'), takes('web-old')]).toEqual([true, false, false]);
  });
});
