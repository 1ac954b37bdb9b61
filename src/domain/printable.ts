/** Names come from backups and may hold anything: characters that a terminal, a mail program or a page acts on are shown as escapes. Pure. Covers C0, C1 and DEL, the
 *  separators of lines and paragraphs, the marks that turn the direction of writing (Unicode TR 36, bidirectional spoofing), and what takes no room. */
export function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu,
    (character) => {
      const code = character.codePointAt(0) ?? 0;
      return `\\u${code.toString(16).padStart(4, '0')}`;
    },
  );
}
