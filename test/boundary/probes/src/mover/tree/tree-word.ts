import { staged } from './copy/staged-word.js'; // report: @typescript-eslint/no-restricted-imports
import { word } from '../task/word.js';

export const probe = [staged, word];
