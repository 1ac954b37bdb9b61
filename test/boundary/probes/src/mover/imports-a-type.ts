import { opened } from './names-a-format.js'; // report: @typescript-eslint/consistent-type-imports

export type Opened = typeof opened;
