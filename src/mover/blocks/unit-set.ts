/** Units of a file, one bit each. */
export class UnitSet {
  private readonly bits: Uint8Array;

  constructor(count: number) {
    this.bits = new Uint8Array(Math.ceil(count / 8));
  }

  add(unit: number): void {
    this.bits[unit >> 3]! |= 1 << (unit & 7);
  }

  has(unit: number): boolean {
    return ((this.bits[unit >> 3]! >> (unit & 7)) & 1) === 1;
  }
}
