/** The order of paths in listings and indexes: that of their bytes in UTF-8. It is the order in which object stores list, and a walk through folders
 *  gives it when a folder stands where its name with `/` does. */

const FIRST_SURROGATE = 0xd800;

/** As a comparison of the bytes in UTF-8, without making them. JavaScript compares UTF-16, where what takes two units stands before what stands
 *  behind the surrogates in Unicode. */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return placeOf(left) - placeOf(right);
  }
  return a.length - b.length;
}

function placeOf(unit: number): number {
  if (unit < FIRST_SURROGATE) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
