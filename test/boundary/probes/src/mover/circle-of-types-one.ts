import type { Two } from './circle-of-types-two.js';

export interface One {
  readonly other: Two;
}
