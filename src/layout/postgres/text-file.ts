/** Whether these bytes are the beginning of a text, as tools of PostgreSQL write what they say of a backup: what something else has written over is none, and what is
 *  cut off still is. */
export function isText(bytes: Uint8Array): boolean {
  if (bytes.some((byte) => byte < 9 || (byte > 13 && byte < 32))) return false;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
