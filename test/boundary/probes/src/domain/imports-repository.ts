import { open } from '../repository/directory/directory-repository.js'; // report: @typescript-eslint/no-restricted-imports

export const probe = open;
