export { browseRepository } from './browse-repository.js';
export { copySession } from './copy-session.js';
export { copyWorkload } from './copy-workload.js';
