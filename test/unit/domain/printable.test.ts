import { describe, expect, it } from 'vitest';
import { printable } from '../../../src/domain/printable.js';

/** Sources: ISO 6429 (C0, C1), Unicode 16, UAX 9 (explicit directional formatting characters) and UTR 36 (what takes no room). */
const HOSTILE: readonly (readonly [what: string, text: string, shown: string])[] = [
  ['a new line', 'db\n07', String.raw`db\u000a07`],
  ['an escape that clears the screen', '\u001B[2J', String.raw`\u001b[2J`],
  ['a NUL', 'a\0b', String.raw`a\u0000b`],
  ['a DEL', 'a\u007Fb', String.raw`a\u007fb`],
  ['CSI of C1', '\u009B2J', String.raw`\u009b2J`],
  ['NEL', 'a\u0085b', String.raw`a\u0085b`],
  ['a line separator', 'a\u2028b', String.raw`a\u2028b`],
  ['a paragraph separator', 'a\u2029b', String.raw`a\u2029b`],
  ['an override to the left', 'gpj\u202Eexe', String.raw`gpj\u202eexe`],
  ['an isolate and its end', '\u2066a\u2069', String.raw`\u2066a\u2069`],
  ['a mark of Arabic letters', 'a\u061Cb', String.raw`a\u061cb`],
  ['marks of direction', '\u200E\u200F', String.raw`\u200e\u200f`],
  ['a space of no width', 'db\u200B07', String.raw`db\u200b07`],
  ['a word joiner', 'db\u206007', String.raw`db\u206007`],
  ['a byte order mark', '\uFEFFdb07', String.raw`\ufeffdb07`],
  ['a joiner that writing needs', 'ن\u200Cه', 'ن\u200Cه'],
  ['letters, a pair of surrogates and a lone half', 'Žofie 💾 \uD83D', 'Žofie 💾 \uD83D'],
  ['what is shown as an escape already', String.raw`\u202e`, String.raw`\u202e`],
];

describe('what comes from outside', () => {
  it.each(HOSTILE)(
    'is shown on pages, in mails and in terminals harmless: %s',
    (_, text, shown) => {
      expect(printable(text)).toBe(shown);
    },
  );
});
