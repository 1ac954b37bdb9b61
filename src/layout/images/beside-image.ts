/** What tools and people put beside an image under its name, with its ending or without: sums, block maps (`bmaptool`), definitions of the machine. What is written
 *  to whenever somebody likes, such as logs and notes, is none of it: a copy would change under it. */
const BESIDE =
  /^(?<image>.+?)\.(?:(?:md5|sha1|sha256|sha512)(?:sums?)?(?:\.(?:asc|sig|gpg))?|asc|sig|bmap|xml)$/i;

/** What the image is called that a file lies beside, with its ending or without. null: it lies beside none. */
export function imageBeside(name: string): string | null {
  return BESIDE.exec(name)?.groups?.image ?? null;
}
