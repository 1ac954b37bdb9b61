import { lazy, Suspense, type ComponentType } from 'react';
import { Link, Route, Switch, useLocation } from 'wouter';
import { PageErrors } from './page-errors.js';
import { Page, Waiting } from './show/page.js';

/** Every page is loaded when it is first opened. */
const PAGES: readonly (readonly [string, ComponentType])[] = [
  [
    '/',
    lazy(async () => ({
      default: (await import('./pages/overview/overview-page.js')).OverviewPage,
    })),
  ],
  [
    '/workloads',
    lazy(async () => ({
      default: (await import('./pages/workloads/workloads-page.js')).WorkloadsPage,
    })),
  ],
  [
    '/workloads/:repositoryId',
    lazy(async () => ({
      default: (await import('./pages/workloads/workload-page.js')).WorkloadPage,
    })),
  ],
  ['/jobs', lazy(async () => ({ default: (await import('./pages/jobs/jobs-page.js')).JobsPage }))],
  // Not below /jobs: a job may be called `new`.
  [
    '/new-job',
    lazy(async () => ({ default: (await import('./pages/jobs/new-job-page.js')).NewJobPage })),
  ],
  [
    '/jobs/:id/edit',
    lazy(async () => ({ default: (await import('./pages/jobs/edit-job-page.js')).EditJobPage })),
  ],
  [
    '/jobs/:id',
    lazy(async () => ({ default: (await import('./pages/jobs/job-page.js')).JobPage })),
  ],
  [
    '/file-backup-jobs',
    lazy(async () => ({
      default: (await import('./pages/file-backups/file-backups-page.js')).FileBackupsPage,
    })),
  ],
  [
    '/file-backup-jobs/:id',
    lazy(async () => ({
      default: (await import('./pages/file-backups/file-backup-page.js')).FileBackupPage,
    })),
  ],
  [
    '/sessions',
    lazy(async () => ({ default: (await import('./pages/sessions/history-page.js')).HistoryPage })),
  ],
  [
    '/sessions/:id',
    lazy(async () => ({ default: (await import('./pages/sessions/session-page.js')).SessionPage })),
  ],
  [
    '/restore',
    lazy(async () => ({
      default: (await import('./pages/workloads/restore-page.js')).RestorePage,
    })),
  ],
  [
    '/operations',
    lazy(async () => ({
      default: (await import('./pages/health/operation-page.js')).OperationPage,
    })),
  ],
  [
    '/repositories',
    lazy(async () => ({
      default: (await import('./pages/repositories/repositories-page.js')).RepositoriesPage,
    })),
  ],
  [
    '/health',
    lazy(async () => ({ default: (await import('./pages/health/health-page.js')).HealthPage })),
  ],
  [
    '/notifications',
    lazy(async () => ({
      default: (await import('./pages/system/notifications-page.js')).NotificationsPage,
    })),
  ],
  [
    '/access',
    lazy(async () => ({ default: (await import('./pages/system/access-page.js')).AccessPage })),
  ],
  [
    '/system',
    lazy(async () => ({ default: (await import('./pages/system/system-page.js')).SystemPage })),
  ],
];

export function Pages() {
  const [location] = useLocation();
  return (
    <PageErrors key={location}>
      <Suspense fallback={<Waiting what="Opening the page" />}>
        <Switch>
          {PAGES.map(([path, component]) => (
            <Route key={path} path={path} component={component} />
          ))}
          <Route>
            <NowherePage />
          </Route>
        </Switch>
      </Suspense>
    </PageErrors>
  );
}

function NowherePage() {
  return (
    <Page title="There is no such page">
      <p>
        The address may be misspelt. <Link href="/">To the overview</Link>.
      </p>
    </Page>
  );
}
