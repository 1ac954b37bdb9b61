import { probe as clock } from './reads-clock.js';

export const probe = clock;
