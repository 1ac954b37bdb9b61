import { describe, expect, it } from 'vitest';
import {
  foundByCommit,
  untoldWorkAfter,
  untoldWorkNotes,
} from '../../../../src/domain/trees/unheard-answers.js';

const BEFORE = 'by a run before, which may not have told it';
const committed = (...ids: string[]) => ({ committed: ids, committedCount: ids.length });
const removed = (fileCount: number, ...points: string[]) => ({ fileCount, points });

describe('what runs did whose answers may have been told by nobody', () => {
  it('is nothing as long as they did nothing', () => {
    expect(untoldWorkAfter()).toBeUndefined();
    expect(untoldWorkAfter(undefined, committed(), removed(0))).toBeUndefined();
    expect(untoldWorkNotes()).toEqual([]);
  });

  it('adds up over runs, whatever each of them did', () => {
    const first = untoldWorkAfter(undefined, committed('a', 'b'));
    expect(first).toEqual({ committedCount: 2, lastCommitted: 'b', fileCount: 0, pointCount: 0 });
    const second = untoldWorkAfter(first, undefined, removed(7, 'x'));
    expect(second).toEqual({ committedCount: 2, lastCommitted: 'b', fileCount: 7, pointCount: 1 });
    const third = untoldWorkAfter(
      second,
      { committed: ['z'], committedCount: 300 },
      removed(1, 'y', 'z'),
    );
    expect(third).toEqual({ committedCount: 302, lastCommitted: 'z', fileCount: 8, pointCount: 3 });
    expect(untoldWorkAfter(third)).toEqual(third);
  });

  it.each([
    ['files alone', removed(1)],
    ['points alone', removed(0, 'x')],
    ['as many of both', removed(1, 'x')],
  ])('counts %s that were removed', (_, done) => {
    expect(untoldWorkAfter(undefined, undefined, done)).toEqual({
      ...{ committedCount: 0, lastCommitted: null },
      ...{ fileCount: done.fileCount, pointCount: done.points.length },
    });
  });

  it('is told in a sentence for what came and one for what went', () => {
    const came = `${BEFORE}: 2 restore points were committed, b last`;
    const work = untoldWorkAfter(undefined, committed('a', 'b'))!;
    expect(untoldWorkNotes(work)).toEqual([came]);
    expect(untoldWorkNotes(untoldWorkAfter(work, undefined, removed(7)))).toEqual([
      came,
      `${BEFORE}: 7 files and 0 restore points were removed`,
    ]);
    expect(untoldWorkNotes(untoldWorkAfter(undefined, undefined, removed(1, 'x')))).toEqual([
      `${BEFORE}: 1 file and 1 restore point were removed`,
    ]);
    expect(untoldWorkNotes(untoldWorkAfter(undefined, undefined, removed(0, 'x')))).toEqual([
      `${BEFORE}: 0 files and 1 restore point were removed`,
    ]);
  });
});

describe('what a commit found that is to be seen to', () => {
  it('is each of its sentences, as found before', () => {
    expect(foundByCommit({ ...committed('a'), leftOut: [] })).toEqual([]);
    const sentAgain = { count: 1, examples: [{ path: 'a.bak', reason: 'is missing' }] };
    expect(foundByCommit({ ...committed(), leftOut: ['c is not there'], sentAgain })).toEqual([
      `${BEFORE}: 1 file of the copy was not there as copied ("a.bak" was missing), and was sent again`,
      `${BEFORE}: c is not there`,
    ]);
  });
});
