/** The manifest of an OVF package: digests of its files. Source: DSP0243 (OVF 2.1), 5.1. */

interface ManifestEntry {
  readonly name: string;
  /** Upper case, as `SHA256`. */
  readonly algorithm: string;
  /** Hexadecimal, lower case. */
  readonly digest: string;
}

/** Lines of an OVF manifest: `SHA256(name)= hex`, by some tools with blanks before the bracket and the equals sign. Other lines are passed over. */
export function parseManifest(text: string): ManifestEntry[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const parts = /^\s*(SHA\d+) ?\((.+)\) ?= ?([0-9a-f]+)\s*$/i.exec(line);
    if (parts === null) return [];
    const [, algorithm = '', name = '', digest = ''] = parts;
    return [{ name, algorithm: algorithm.toUpperCase(), digest: digest.toLowerCase() }];
  });
}
