import { word } from '../../task/word.js';

export const staged = word;
