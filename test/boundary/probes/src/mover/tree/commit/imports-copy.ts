import { staged } from '../copy/staged-word.js';

export const probe = staged;
