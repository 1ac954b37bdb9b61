import { probe as config } from '../config/imports-image.js'; // report: @typescript-eslint/no-restricted-imports

export const probe = [config];
