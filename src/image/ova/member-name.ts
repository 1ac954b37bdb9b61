/** Without what leads to where it is unpacked, and without the end of a folder. A package is flat; folders of a vendor's own, or of who packed one by hand,
 *  are possible, ways out of it are not. null: it is one. */
export function plainName(name: string): string | null {
  const isOut = name === '' || name.startsWith('/') || /^[a-z]:/i.test(name) || name.includes('\\');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  return isOut || parts.includes('..') ? null : parts.join('/');
}
