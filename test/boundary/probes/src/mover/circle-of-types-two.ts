import type { One } from './circle-of-types-one.js';

export interface Two {
  readonly other: One;
}
