import { StringDecoder } from 'node:string_decoder';
import { assertNever } from '../domain/errors.js';
import type { PostKind } from '../domain/notices/notification-channel.js';
import type { Notice } from '../domain/notices/notice.js';
import type { PostedBody } from './post.js';

/** The most that a service takes in one message, in characters: Discord 2,000, Slack and the rest more than 3,500; ntfy counts bytes. */
const LIMITS: Readonly<Partial<Record<PostKind, number>>> = { discord: 2_000 };
const LIMIT = 3_500;
/** A body of 4,096 bytes or more is an attachment to ntfy, which a server that keeps none refuses (ntfy, `server.go`: handlePublishBody, error 40014). */
const NTFY_BYTES = 3_800;

/** A notice in the words of one service. Sources: their own pages on incoming webhooks and publishing. */
export function postBody(kind: PostKind, notice: Notice): PostedBody {
  const asWritten = READS_MARKDOWN.includes(kind) ? unmarked : (words: string) => words;
  const title = asWritten(`${notice.subject}${notice.number > 0 ? ` (#${notice.number})` : ''}`);
  const lines = asWritten(notice.lines.join('\n'));
  const text = cutTo(lines, (LIMITS[kind] ?? LIMIT) - title.length - 10);
  const isBad = notice.severity === 'error';
  switch (kind) {
    case 'slack':
      return json({ text: `*${escaped(title)}*\n${escaped(text)}` });
    case 'discord':
      return json({ content: `**${title}**\n${text}`, allowed_mentions: { parse: [] } });
    case 'teams':
      return json(adaptiveCard(title, text));
    case 'ntfy':
      return {
        text: cutToBytes(text, NTFY_BYTES),
        headers: {
          // Header values are bytes; ntfy reads those of RFC 2047.
          title: `=?UTF-8?B?${Buffer.from(title).toString('base64')}?=`,
          priority: isBad ? 'high' : 'default',
          tags: notice.severity === null ? 'white_check_mark' : 'warning',
        },
      };
    case 'gotify':
      return json({ title, message: text, priority: isBad ? 8 : 4 });
    case 'apprise': {
      const type = notice.severity === null ? 'success' : isBad ? 'failure' : 'warning';
      return json({ title, body: text, type });
    }
    default:
      return assertNever(kind);
  }
}

function adaptiveCard(title: string, text: string): object {
  const block = (words: string, more: object) => ({
    type: 'TextBlock',
    text: words,
    wrap: true,
    ...more,
  });
  const lines = text.split('\n').map((line) => block(line, { spacing: 'None' }));
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [block(title, { weight: 'Bolder' }), ...lines],
  };
  const attachment = { contentType: 'application/vnd.microsoft.card.adaptive', content };
  return { type: 'message', attachments: [attachment] };
}

/** Services that read a text as Markdown: a name could hide where a link leads, or what stands before it. */
const READS_MARKDOWN: readonly PostKind[] = ['discord', 'teams'];

/** A backslash takes its meaning from each mark (CommonMark 0.31, 2.4). */
function unmarked(text: string): string {
  return text.replaceAll(/[\\`*_~|[\]()<>#]/g, '\\$&');
}

/** Slack reads these three as its own marks. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function cutTo(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1))}…`;
}

/** Of UTF-8, at the end of a character. */
function cutToBytes(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) return text;
  const ellipsis = '…';
  const kept = encoded.subarray(0, bytes - Buffer.byteLength(ellipsis));
  return `${new StringDecoder('utf8').write(kept)}${ellipsis}`;
}

function json(body: object): PostedBody {
  return { text: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
}
