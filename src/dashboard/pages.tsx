import { lazy, Suspense, type ComponentType } from 'react';
import { Link, Redirect, Route, Switch } from 'wouter';
import { Page, Waiting } from './show/page.js';

/** Every page is loaded when it is first opened. */
const PAGES: readonly (readonly [string, ComponentType])[] = [
  ['/jobs', lazy(async () => ({ default: (await import('./pages/jobs-page.js')).JobsPage }))],
  ['/jobs/:id', lazy(async () => ({ default: (await import('./pages/job-page.js')).JobPage }))],
  [
    '/sessions',
    lazy(async () => ({ default: (await import('./pages/history-page.js')).HistoryPage })),
  ],
  [
    '/sessions/:id',
    lazy(async () => ({ default: (await import('./pages/session-page.js')).SessionPage })),
  ],
  [
    '/restore',
    lazy(async () => ({ default: (await import('./pages/restore-page.js')).RestorePage })),
  ],
  [
    '/operations/:id',
    lazy(async () => ({ default: (await import('./pages/operation-page.js')).OperationPage })),
  ],
  [
    '/repositories',
    lazy(async () => ({
      default: (await import('./pages/repositories-page.js')).RepositoriesPage,
    })),
  ],
  ['/system', lazy(async () => ({ default: (await import('./pages/system-page.js')).SystemPage }))],
];

export function Pages() {
  return (
    <Suspense fallback={<Waiting what="Opening the page" />}>
      <Switch>
        {PAGES.map(([path, component]) => (
          <Route key={path} path={path} component={component} />
        ))}
        <Route path="/">
          <Redirect to="/jobs" replace />
        </Route>
        <Route>
          <NowherePage />
        </Route>
      </Switch>
    </Suspense>
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
