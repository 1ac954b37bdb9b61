import { probe as image } from '../image/opens-files.js'; // report: @typescript-eslint/no-restricted-imports

export const probe = [image, process.env];
