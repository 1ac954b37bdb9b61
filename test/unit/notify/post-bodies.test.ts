import { describe, expect, it } from 'vitest';
import type { Notice } from '../../../src/domain/notices/notice.js';
import { postBody } from '../../../src/notify/post-bodies.js';

const NAME = '[db07](https://evil.example) **ok** <@1>';
const NOTICE: Notice = {
  ...{ id: 'alarm-1', number: 0, kind: 'alarm', severity: 'error', subject: `Not well: ${NAME}` },
  ...{ lines: [`${NAME} is late (COPY_LATE)`], at: '2026-11-26T03:00:00.000Z' },
};

/** What CommonMark shows of a text whose marks are all escaped. */
function shown(text: string): string {
  // A mark without a backslash before it would be read as one.
  expect(text.replaceAll(/\\[!-/:-@[-`{-~]/g, '')).not.toMatch(/[*_~`[\]()<>]/);
  return text.replaceAll(/\\([!-/:-@[-`{-~])/g, '$1');
}

describe('a name out of a source', () => {
  it('is no Markdown to Discord', () => {
    const { content } = JSON.parse(postBody('discord', NOTICE).text) as { content: string };
    const [title, line] = content.split('\n') as [string, string];
    expect(title.slice(0, 2) + title.slice(-2)).toBe('****');
    expect(shown(title.slice(2, -2))).toBe(NOTICE.subject);
    expect(shown(line)).toBe(NOTICE.lines[0]);
  });

  it('is no Markdown to Teams', () => {
    const card = postBody('teams', NOTICE).text;
    const { attachments } = JSON.parse(card) as {
      attachments: [{ content: { body: { text: string }[] } }];
    };
    const texts = attachments[0].content.body.map(({ text }) => shown(text));
    expect(texts).toEqual([NOTICE.subject, NOTICE.lines[0]]);
  });

  it.each(['ж', '字', '😀'])(
    'makes no attachment of a message to ntfy, in whole characters: %s',
    (name) => {
      const lines = Array.from({ length: 40 }, () => name.repeat(100));
      const { text } = postBody('ntfy', { ...NOTICE, lines });
      expect(Buffer.byteLength(text)).toBeLessThan(4_096);
      expect(text).toMatch(new RegExp(`^(${name}|\\n)+…$`, 'u'));
    },
  );

  it('makes no message longer than Discord takes', () => {
    const lines = Array.from({ length: 20 }, () => '*'.repeat(200));
    const { content } = JSON.parse(postBody('discord', { ...NOTICE, lines }).text) as {
      content: string;
    };
    expect(content.length).toBeLessThanOrEqual(2_000);
  });
});
