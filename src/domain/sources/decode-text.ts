/** How a text says that it is not UTF-8: XML in its first line, descriptors (`encoding="GBK"`) and definitions (`.encoding = "windows-1252"`) of VMware
 *  in one of theirs; in letters that all these encodings share. */
const DECLARED = /(?:^\.?|[ \t])encoding[ \t]*=[ \t]*["'](?<label>[\w.:-]+)["']/im;

/** Text of a file that a tool has written. UTF-16 by its mark or by how XML begins in it (XML 1.0, appendix F); UTF-8 where it is that, whatever it says of
 *  itself (QEMU calls everything windows-1252); else what it says. A word for an encoding that nobody knows is no reason to refuse a file whose names may
 *  be plain. */
export function decodeText(bytes: Uint8Array): string {
  const wide = wideEncoding(bytes);
  if (wide !== null) return new TextDecoder(wide).decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const label = DECLARED.exec(new TextDecoder('latin1').decode(bytes))?.groups?.['label'];
    return decodeAs(label ?? 'utf-8', bytes);
  }
}

function wideEncoding(bytes: Uint8Array): string | null {
  const start = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
  if (start === 0xfffe || start === 0x3c00) return 'utf-16le';
  return start === 0xfeff || start === 0x003c ? 'utf-16be' : null;
}

function decodeAs(label: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder(label).decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}
