import { word } from '../task/word.js';

export const probe = word;
