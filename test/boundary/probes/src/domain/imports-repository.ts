import { open } from '../repository/directory-repository.js'; // report: @typescript-eslint/no-restricted-imports

export const probe = open;
