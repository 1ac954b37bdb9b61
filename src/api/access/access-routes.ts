/** Who asks, and the tokens of people and programs. */

import { z } from 'zod';
import { ROLES, type AccessToken, type Caller } from '../../domain/access/access.js';
import type { AccessTokens } from './access-tokens.js';
import { instant, pageSchema, slug } from '../field-schemas.js';
import { refusalsOf, type RefusalView } from './guarded-routes.js';
import type { SignIn } from './sign-in.js';
import { invalidRequest, jsonRoute, type Route } from '../route.js';

/** What is shown of a token: all but its digest. */
export type TokenView = Omit<AccessToken, 'digest'> & {
  /** Its time is over. */
  readonly isExpired: boolean;
};

export interface CreatedToken extends TokenView {
  /** Shown here and never again. */
  readonly token: string;
}

/** Who asks. */
export interface MeView extends Caller {
  /** What he is refused, whichever job or repository he asks it of. */
  readonly refusals: readonly RefusalView[];
}

interface TokenRequest {
  readonly name: string;
  readonly role: AccessToken['role'];
  readonly scope: AccessToken['scope'];
  readonly expiresAt: string | null;
}

const scopeSchema = z
  .strictObject({
    jobs: z.array(slug).max(100).default([]),
    repositories: z.array(slug).max(100).default([]),
  })
  .meta({ id: 'TokenScope' })
  .nullable();
const tokenFields = {
  name: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .regex(/^\P{Cc}*$/u),
  role: z.enum(ROLES),
  scope: scopeSchema.default(null).meta({
    description: 'Jobs and repositories that it is for, and their sessions; null: everything.',
  }),
  expiresAt: z.iso
    .datetime({ offset: true })
    .nullable()
    .default(null)
    .meta({ description: 'null: never.' }),
};

const requestSchema: z.ZodType<TokenRequest> = z
  .strictObject(tokenFields)
  .meta({ id: 'TokenRequest' });

const viewFields = {
  ...tokenFields,
  id: z.string().meta({ description: 'Part of the token, and no secret.' }),
  createdBy: z.string(),
  createdAt: instant,
  expiresAt: instant.nullable(),
  lastUsedAt: instant.nullable().meta({ description: 'To the hour; null: never.' }),
  isExpired: z.boolean(),
};
const viewSchema: z.ZodType<TokenView> = z.object(viewFields).meta({ id: 'AccessToken' });
const createdSchema: z.ZodType<CreatedToken> = z
  .object({ ...viewFields, token: z.string().meta({ description: 'Shown here and never again.' }) })
  .meta({ id: 'CreatedToken' });
const meSchema: z.ZodType<MeView> = z
  .object({
    name: z.string(),
    role: z.enum(ROLES),
    scope: scopeSchema,
    subject: z.string().nullable().meta({
      description: 'What the identity provider calls him; null: he did not sign in there.',
    }),
    expiresAt: instant.nullable(),
    refusals: z
      .array(
        z
          .object({
            operationId: z.string(),
            method: z.string(),
            path: z.string().meta({ description: 'Below the base path: `/jobs/{id}/start`.' }),
            field: z.string().nullable().meta({
              description: 'Of the body, when that alone is refused; null: the call itself is.',
            }),
            reason: z.string(),
          })
          .meta({ id: 'Refusal' }),
      )
      .meta({ description: 'What he is refused, whichever job or repository he asks it of.' }),
  })
  .meta({ id: 'Caller' });

interface AccessParts {
  readonly tokens: AccessTokens;
  readonly now: () => number;
  /** null: nobody signs in here. */
  readonly signIn: SignIn | null;
  /** All that there are, these among them. */
  readonly routes: () => readonly Route[];
}

export function accessRoutes({ tokens, now, signIn, routes }: AccessParts): Route[] {
  return [
    meRoute(routes),
    signOutRoute(signIn),
    listRoute(tokens, now),
    createRoute(tokens, now),
    revokeRoute(tokens),
  ];
}

function signOutRoute(signIn: SignIn | null): Route {
  return jsonRoute({
    method: 'post',
    path: '/sign-out',
    operationId: 'signOut',
    needs: 'view',
    subject: 'nothing',
    summary: 'Ends what a browser signed in to. Whoever came with a token has nothing to end.',
    status: 204,
    answer: null,
    errors: [],
    run: async ({ header }) => {
      if (signIn === null) return { content: null };
      return { content: null, headers: { 'Set-Cookie': await signIn.end(header('Cookie')) } };
    },
  });
}

function meRoute(routes: () => readonly Route[]): Route {
  return jsonRoute({
    method: 'get',
    path: '/me',
    operationId: 'getMe',
    needs: 'view',
    subject: 'nothing',
    summary: 'Who asks, and what he may not do.',
    status: 200,
    answer: meSchema,
    errors: [],
    run: async ({ caller }) => ({ content: { ...caller, refusals: refusalsOf(caller, routes()) } }),
  });
}

function listRoute(tokens: AccessTokens, now: () => number): Route {
  return jsonRoute({
    method: 'get',
    path: '/tokens',
    operationId: 'listTokens',
    needs: 'administer',
    subject: 'site',
    summary: 'Tokens of people and programs, without what makes them tokens.',
    status: 200,
    answer: pageSchema(viewSchema),
    errors: [],
    run: async () => ({
      content: { items: (await tokens.list()).map((token) => viewOf(token, now())) },
    }),
  });
}

function createRoute(tokens: AccessTokens, now: () => number): Route {
  return jsonRoute({
    method: 'post',
    path: '/tokens',
    operationId: 'createToken',
    needs: 'administer',
    subject: 'site',
    summary: 'Makes a token. It is in this answer and nowhere else.',
    status: 201,
    body: requestSchema,
    answer: createdSchema,
    errors: [],
    run: async ({ body, caller }) => {
      if (body.expiresAt !== null && Date.parse(body.expiresAt) <= now())
        throw invalidRequest([{ path: 'expiresAt', message: 'is over already' }]);
      const { scope } = body;
      if (scope !== null && scope.jobs.length + scope.repositories.length === 0)
        throw invalidRequest([{ path: 'scope', message: 'name a job or a repository' }]);
      const { token, entry } = await tokens.create({ ...body, createdBy: caller.name });
      return { content: { ...viewOf(entry, now()), token } };
    },
  });
}

function revokeRoute(tokens: AccessTokens): Route {
  return jsonRoute({
    method: 'delete',
    path: '/tokens/:id',
    operationId: 'revokeToken',
    needs: 'administer',
    subject: 'site',
    summary: 'Revokes a token: it holds no longer.',
    status: 204,
    answer: null,
    errors: ['TOKEN_MISSING'],
    run: async ({ params, noteBefore }) => {
      noteBefore(await tokens.revoke(params.id ?? ''));
      return { content: null };
    },
  });
}

function viewOf({ digest: _digest, ...token }: AccessToken, nowMs: number): TokenView {
  const { expiresAt } = token;
  return { ...token, isExpired: expiresAt !== null && Date.parse(expiresAt) <= nowMs };
}
