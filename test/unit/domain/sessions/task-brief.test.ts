import { describe, expect, it } from 'vitest';
import { newTask, type CopyTask } from '../../../../src/domain/sessions/copy-session.js';
import { briefTask, cut, jsonBytes } from '../../../../src/domain/sessions/task-brief.js';

const SMALL: CopyTask = { ...newTask('web01', 'ovirt-web01'), notes: ['it was planned again'] };
const lines = (count: number, text: string) =>
  Array.from({ length: count }, (_, n) => `${text} ${n}`);

describe('briefTask', () => {
  it('keeps a small task as it is', () => {
    expect(briefTask(SMALL)).toBe(SMALL);
  });

  it('keeps as many notes of a task whose times are known', () => {
    const notes = lines(5, 'x'.repeat(80));
    const times = { sourceMs: 1e9, targetMs: 1e9, limitMs: 1e9, processorMs: 1e9 };
    const spentMs = { inspecting: 1e9, planning: 1e9, copying: 1e9, composing: 1e9 };
    const task = { ...SMALL, notes, moverTimes: times, spentMs };
    expect(jsonBytes({ ...SMALL, notes })).toBeLessThan(1_000);
    expect(briefTask(task)).toBe(task);
  });

  it('keeps the newest two entries of long lists and counts the others', () => {
    const brief = briefTask({ ...SMALL, committed: lines(40, 'point'), notes: lines(50, 'note') });
    expect(brief.committed).toEqual(['point 38', 'point 39']);
    expect(brief.notes).toEqual(['note 48', 'note 49']);
    expect(brief.omitted).toEqual({ committed: 38, notes: 48 });
  });

  it('adds to what the task itself had no room for', () => {
    const omitted = { committed: 0, notes: 7 };
    expect(briefTask({ ...SMALL, notes: lines(100, 'note'), omitted }).omitted).toEqual({
      committed: 0,
      notes: 105,
    });
  });

  it.each(['x', 'é', '目', '💾', '\ud800', '\u0000'])(
    'stays small whatever its texts are made of (%j)',
    (character) => {
      const long = character.repeat(5_000);
      const task = { ...newTask(long, 'id'), reason: long, notes: [long, `${long}2`, long] };
      // Names and reasons as long as they may be, each character as six of JSON.
      expect(jsonBytes(briefTask(task))).toBeLessThan(8_000);
    },
  );
});

describe('cut', () => {
  it('ends a text that is too long in an ellipsis, within its length', () => {
    expect(cut('abcdef', 6)).toBe('abcdef');
    expect(cut('abcdefg', 6)).toBe('abcde…');
  });
});

describe('jsonBytes', () => {
  it.each(['', 'plain', 'é', '目', '💾', 'a\ud800b', '"\\\n\u0000', { a: [1, null, 'é💾目'] }])(
    'is the length in UTF-8 of the JSON of %j',
    (value) => {
      expect(jsonBytes(value)).toBe(Buffer.byteLength(JSON.stringify(value)));
    },
  );
});
