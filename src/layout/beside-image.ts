/** What tools and people put beside an image under its name, with its ending or without: sums, block maps (`bmaptool`), logs, definitions of the machine. */
const BESIDE =
  /^(?<image>.+)\.(?:(?:md5|sha1|sha256|sha512)(?:sums?)?|asc|sig|bmap|log|xml|txt|notes)$/i;

/** What the image is called that a file lies beside, with its ending or without. null: it lies beside none. */
export function imageBeside(name: string): string | null {
  return BESIDE.exec(name)?.groups?.image ?? null;
}
