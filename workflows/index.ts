export { browseRepository } from './browse-repository.js';
export { copySession } from './copy-session.js';
export { copyWorkload } from './copy-workload.js';
export { planJob, readJobDefinition } from './plan-job.js';
export { repairChain } from './repair-chain.js';
export { restorePoint } from './restore-point.js';
export { settleAbsence } from './removed-workloads.js';
export { verifyBackups } from './verify-backups.js';
export { watchSources } from './watch-sources.js';
