/** The Express application of the HTTP API. It holds no state of its own: jobs are Temporal Schedules, sessions workflow executions. */

import { randomBytes } from 'node:crypto';
import express, { type Express, type RequestHandler } from 'express';
import { BackupError, isBackupError } from '../domain/errors.js';
import { AllSessions } from './sessions/all-sessions.js';
import type { ApiDependencies } from './api-dependencies.js';
import { accessRoutes } from './access/access-routes.js';
import { AccessTokens } from './access/access-tokens.js';
import { AuditReader } from './access/audit-reader.js';
import { auditRoutes } from './access/audit-routes.js';
import { AuditTrail } from './access/audit-trail.js';
import { requireCaller, requireLoopback, requireOwnOrigin } from './access/authentication.js';
import { compressedAnswers } from './compressed-answers.js';
import { dashboardPages } from './pages/dashboard-pages.js';
import { docsPage } from './pages/docs-page.js';
import { FailedAttempts } from './access/failed-attempts.js';
import { guardedRoutes, requireWhole } from './access/guarded-routes.js';
import { EventFeed } from './events/event-feed.js';
import { eventRoutes } from './events/event-routes.js';
import { SiteLook } from './events/site-look.js';
import { errorRoutes } from './error-routes.js';
import { jobChangeRoutes } from './previews/job-change-routes.js';
import { jobRoutes } from './jobs/job-routes.js';
import { fileBackupRoutes } from './file-backups/file-backup-routes.js';
import { FileBackupStore } from './file-backups/file-backup-store.js';
import { mirrorRoutes } from './mirrors/mirror-routes.js';
import { MirrorStore } from './mirrors/mirror-store.js';
import { definitionMemory } from './jobs/definition-memory.js';
import { JobStore } from './jobs/job-store.js';
import { serverTimeZone } from './jobs/job-time-zone.js';
import { ApiMetrics } from './metrics.js';
import { notificationRoutes } from './notices/notification-routes.js';
import { openApiDocument } from './openapi.js';
import { OneTimeCopies } from './copies/one-time-copies.js';
import { oneTimeCopyRoutes } from './copies/one-time-copy-routes.js';
import { OperationStore } from './operations/operation-store.js';
import { overviewRoutes } from './safety/overview-routes.js';
import { limitRoutes } from './limits/limit-routes.js';
import { limitStore } from './limits/limit-store.js';
import { IdentityProvider } from './access/identity-provider.js';
import { nonceOf, pageHeaders } from './pages/page-headers.js';
import { previewRoutes } from './previews/preview-routes.js';
import { problemHandler } from './problem.js';
import { readiness } from './readiness.js';
import { RepositoryBrowser } from './repositories/repository-browser.js';
import { repositoryRoutes } from './repositories/repository-routes.js';
import { mountRoutes, type Route } from './route.js';
import { SafetyReader, SERVES_MS, watchedChannels } from './safety/safety-reader.js';
import { sessionRoutes } from './sessions/session-routes.js';
import { SealedCookies } from './access/sealed-cookies.js';
import { SessionStarter } from './sessions/session-starter.js';
import { RecordedOutcomes } from './sessions/recorded-outcomes.js';
import { SessionStore } from './sessions/session-store.js';
import { SignIn } from './access/sign-in.js';
import { signInPages } from './access/sign-in-pages.js';
import { silenceRoutes } from './notices/silence-routes.js';
import { rehomeRoutes } from './copies/rehome-routes.js';
import { simulationRoutes } from './previews/simulation-routes.js';
import { systemRoutes } from './system-routes.js';
import { workloadTypeRoutes } from './repositories/workload-type-routes.js';

const BASE_PATH = '/api/v1';

/** Twice what a definition may have (`MAX_JOB_BYTES`), so that one that is too long is told by how much. */
const BODY_LIMIT = '2mb';

/** The caller listens with it: on loopback only when there is no token. */
export function createApi(dependencies: ApiDependencies): Express {
  const { client, config, token, now, logger, dashboardFolder, stateFault } = dependencies;
  const stores = storesOf(dependencies);
  const { browser, tokens, signIn } = stores;
  const metrics = new ApiMetrics(client, stores.sessions, stores.reader, now());
  const routes = apiRoutes(dependencies, stores);
  const document = openApiDocument(routes, BASE_PATH);

  if (dependencies.readsAhead === true) stores.reader.readAhead();
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.use(metrics.timeRequests(), pageHeaders(), compressedAnswers());
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  if (token === null) app.use(requireLoopback());
  const attempts = new FailedAttempts(now);
  // Before the pages, which answer at every other address that a browser asks for.
  if (signIn !== null) app.use(signInPages({ signIn, attempts, logger }));
  // Before the token: a browser sends none with the address of a page. Neither holds anything of the site.
  if (dashboardFolder !== undefined) app.use(dashboardPages(dashboardFolder));
  app.get('/docs', (_request, response) => {
    response.type('html').send(docsPage(document, nonceOf(response)));
  });
  if (token !== null) {
    const callerOf = (sent: string) => tokens.callerOf(sent);
    app.use(requireCaller({ emergencyToken: token, callerOf, attempts, signIn }));
  }
  app.use(requireOwnOrigin());
  app.get('/readyz', requireWhole(), async (_request, response) => {
    const answer = await readiness(client, browser, config.repositories, now(), stateFault);
    response.status(answer.ready ? 200 : 503).json(answer);
  });
  app.get('/metrics', requireWhole(), async (_request, response) => {
    const { contentType, text } = await metrics.scrape(now());
    response.set('Content-Type', contentType).send(text);
  });
  app.get(`${BASE_PATH}/openapi.json`, (_request, response) => {
    response.json(document);
  });
  app.use(
    BASE_PATH,
    requireJson(),
    express.json({ limit: BODY_LIMIT }),
    apiRouter(guardedRoutes(routes, { trail: trailOf(dependencies, stores), now })),
  );
  app.use((request) => {
    throw new BackupError('ROUTE_NOT_FOUND', `nothing at ${request.method} ${request.path}`);
  });
  app.use(problemHandler(logger));
  return app;
}

function trailOf(
  { client, config, logger }: ApiDependencies,
  { jobs, fileBackups }: Stores,
): AuditTrail {
  return new AuditTrail({
    ...{ client, logger, targetIds: targetIdsOf(config) },
    async targetsOfJob(jobId) {
      try {
        return [(await jobs.definition(jobId)).target.repositoryId];
      } catch (error) {
        if (!isBackupError(error, 'JOB_MISSING')) throw error;
        const { secondaryTargets } = await fileBackups.definition(jobId);
        return secondaryTargets.map(({ repositoryId }) => repositoryId);
      }
    },
  });
}

function targetIdsOf({ repositories }: ApiDependencies['config']): string[] {
  return repositories.filter(({ role }) => role === 'target').map(({ id }) => id);
}

/** Every route there is, without whether the caller may. */
export function routesOf(dependencies: ApiDependencies): Route[] {
  return apiRoutes(dependencies, storesOf(dependencies));
}

function storesOf(dependencies: ApiDependencies): Stores {
  const { client, config, now, logger, stateDirectory } = dependencies;
  const { eventIntervalMs: intervalMs } = dependencies;
  const sessions = new SessionStore(client);
  const browser = new RepositoryBrowser(client, now);
  const memoryOf = (kind: string) => definitionMemory(stateDirectory ?? null, kind);
  const jobs = new JobStore(client, sessions, now, {
    recorded: new RecordedOutcomes(browser, now),
    memory: memoryOf('known-jobs'),
  });
  const fileBackups = new FileBackupStore(client, jobs, now, memoryOf('known-file-backups'));
  const reader = new SafetyReader({
    ...{ browser, jobs, fileBackups, now },
    repositories: config.repositories,
    channels: watchedChannels(client, config.notifications),
    servesMs: SERVES_MS,
  });
  const site = new SiteLook({ reader, sessions, now });
  const feed = new EventFeed({ look: (sinceMs) => site.look(sinceMs), now, logger, intervalMs });
  const signIn = signInOf(dependencies);
  const tokens = new AccessTokens(client, now);
  return { sessions, browser, jobs, fileBackups, reader, feed, tokens, signIn };
}

interface Stores {
  readonly sessions: SessionStore;
  readonly browser: RepositoryBrowser;
  readonly jobs: JobStore;
  readonly fileBackups: FileBackupStore;
  readonly reader: SafetyReader;
  readonly feed: EventFeed;
  readonly tokens: AccessTokens;
  /** null: nobody signs in here. */
  readonly signIn: SignIn | null;
}

function signInOf({ config, signInSecrets, now }: ApiDependencies): SignIn | null {
  const settings = config.server.signIn;
  if (settings === null) return null;
  const { clientSecret = null, cookieKey = randomBytes(32) } = signInSecrets ?? {};
  const isSecure = settings.publicUrl.startsWith('https:');
  return new SignIn({
    settings,
    provider: new IdentityProvider(settings, clientSecret),
    cookies: new SealedCookies(cookieKey, { isSecure, now }),
  });
}

function apiRoutes(
  dependencies: ApiDependencies,
  { sessions, browser, jobs, fileBackups, reader, feed, tokens, signIn }: Stores,
): Route[] {
  const { client, config, now, logger, followIntervalMs } = dependencies;
  const { repositories } = config;
  const timeZone = dependencies.timeZone ?? serverTimeZone();
  const starter = new SessionStarter(client, now);
  const operations = new OperationStore(client, now);
  const targets = targetIdsOf(config);
  const all = new AllSessions({ live: sessions, browser, targets, now });
  const workloadTypes = dependencies.workloadTypes ?? [];
  const seenWorkloads = (repositoryId: string) => reader.seenWorkloads(repositoryId);
  const surroundings = { jobs, repositories, workloadTypes, seenWorkloads, browser };
  const routes: Route[] = [
    ...overviewRoutes({ reader, sessions }),
    ...jobRoutes({ ...surroundings, browser, fileBackups, starter, timeZone }),
    ...jobChangeRoutes(surroundings),
    ...rehomeRoutes({ ...surroundings, browser, operations, now }),
    ...fileBackupRoutes({
      ...{ ...surroundings, fileBackups, browser, timeZone },
      primaryBackups: config.primaryBackups,
    }),
    ...mirrorRoutes({ mirrors: new MirrorStore(jobs, repositories), timeZone }),
    ...previewRoutes({ ...surroundings, client, browser, timeZone, now }),
    ...simulationRoutes({ ...surroundings, client, browser, now }),
    ...sessionRoutes(sessions, all, browser, { now, followIntervalMs, logger }),
    ...eventRoutes({ feed, now, logger }),
    ...repositoryRoutes({ client, browser, jobs, operations, repositories, now }),
    ...oneTimeCopyRoutes({
      ...{ ...surroundings, copies: new OneTimeCopies(client, now) },
      ...{ browser, timeZone, now },
    }),
    ...workloadTypeRoutes(workloadTypes),
    ...notificationRoutes({ client, notifications: config.notifications, now }),
    ...silenceRoutes({ client, jobs, fileBackups, now }),
    ...limitRoutes({
      limits: limitStore(client, timeZone),
      repositoryIds: repositories.map(({ id }) => id),
      timeZone,
      now,
    }),
    ...accessRoutes({ tokens, now, signIn, routes: () => routes }),
    ...auditRoutes(new AuditReader(browser, targets)),
    ...errorRoutes(),
    ...systemRoutes(
      {
        version: dependencies.version ?? null,
        startedAtMs: now(),
        timeZone,
        namespace: () => client.options.namespace,
        temporalUiUrl: dependencies.temporalUiUrl ?? null,
      },
      config,
    ),
  ];
  return routes;
}

function apiRouter(routes: readonly Route[]): express.Router {
  const router = express.Router({ caseSensitive: true, strict: true });
  mountRoutes(router, routes);
  return router;
}

/** The body parser would pass over a body of another type, and its fields with it. */
function requireJson(): RequestHandler {
  return (request, _response, next) => {
    const hasBody =
      request.headers['transfer-encoding'] !== undefined ||
      Number(request.headers['content-length'] ?? 0) > 0;
    if (hasBody && request.is('application/json') === false) {
      const type = request.get('Content-Type');
      throw new BackupError(
        'MEDIA_TYPE_UNSUPPORTED',
        type === undefined ? 'the body has no Content-Type' : `the body is ${type}`,
      );
    }
    next();
  };
}
