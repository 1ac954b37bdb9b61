const [COMMA, BRACKET, BRACE] = [0x2c, 0x5b, 0x7b];

/** How many values a JSON text may hold at most: one for each comma, bracket and brace, those within texts among them. What a text takes in memory follows from
 *  that, and not from its bytes: each `[` of `[[[[…` becomes an array.
 *  @param text in UTF-8 or an encoding that is alike in its ASCII */
export function mostJsonValues(text: Uint8Array): number {
  let count = 1;
  for (const byte of text) if (byte === COMMA || byte === BRACKET || byte === BRACE) count++;
  return count;
}
