/** The OpenAPI 3.1 document, made from the routes and the schemas that the server validates with. */

import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../domain/errors.js';
import { SchemaComponents, type JsonSchema } from './openapi-components.js';
import { statusOfCode } from './problem.js';
import { documentedPath, type Route } from './route.js';

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: object;
  readonly servers: readonly { readonly url: string }[];
  readonly security: readonly object[];
  readonly components: {
    readonly securitySchemes: object;
    readonly schemas: Readonly<Record<string, JsonSchema>>;
  };
  /** By path and method. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly object[];
  readonly requestBody?: object;
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    hint: z.string(),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }).meta({ id: 'RequestFault' }))
      .optional(),
  })
  .meta({ id: 'Problem' });

/** Codes that any operation may answer with. */
const COMMON_ERRORS: readonly ErrorCode[] = [
  'REQUEST_INVALID',
  'UNAUTHORIZED',
  'PERMISSION_MISSING',
  'TEMPORAL_UNREACHABLE',
];
const BODY_ERRORS: readonly ErrorCode[] = ['REQUEST_TOO_LARGE', 'MEDIA_TYPE_UNSUPPORTED'];

export function openApiDocument(routes: readonly Route[], basePath: string): OpenApiDocument {
  const components = new SchemaComponents([
    { schema: problemSchema, io: 'output' },
    ...routes.flatMap(schemasOf),
  ]);
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const route of routes) {
    const path = documentedPath(route.path);
    paths[path] = { ...paths[path], [route.method]: operationOf(route, components) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Longhaul', version: '1', description: 'Copies of backups that exist already.' },
    servers: [{ url: basePath }],
    security: [{ bearer: [] }],
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: components.all(),
    },
    paths,
  };
}

function schemasOf({ query, body, answer }: Route) {
  const requests = [query, body].flatMap((schema) =>
    schema === null ? [] : [{ schema, io: 'input' as const }],
  );
  return answer === null ? requests : [...requests, { schema: answer, io: 'output' as const }];
}

function operationOf(route: Route, components: SchemaComponents): OpenApiOperation {
  const { operationId, summary, body } = route;
  return {
    operationId,
    summary,
    parameters: [
      ...pathParameters(route),
      ...queryParameters(route, components),
      ...headerParameters(route),
    ],
    ...(body === null
      ? {}
      : {
          requestBody: {
            // A body of which every field may be left out may be left out itself.
            required: !body.safeParse({}).success,
            content: { 'application/json': { schema: components.of(body, 'input') } },
          },
        }),
    responses: { [route.status]: successOf(route, components), ...problemsOf(route) },
  };
}

function successOf(
  { answer, answerType, status }: Route,
  components: SchemaComponents,
): { description: string } {
  if (answerType === 'text/event-stream') {
    const schema = answer === null ? { type: 'string' } : components.of(answer, 'output');
    const description = answer === null ? 'Events' : 'Events; the schema is that of their `data`';
    return Object.assign({ description }, { content: { [answerType]: { schema } } });
  }
  if (answer === null) return { description: status === 204 ? 'Done' : 'Success' };
  const content = { [answerType]: { schema: components.of(answer, 'output') } };
  return Object.assign({ description: 'Success' }, { content });
}

function problemsOf({ errors, body }: Route): Record<string, { description: string }> {
  const codes = [...COMMON_ERRORS, ...(body === null ? [] : BODY_ERRORS), ...errors];
  const texts = new Map<number, string[]>();
  for (const code of new Set(codes)) {
    const status = statusOfCode(code);
    const text = `\`${code}\`: ${ERROR_CODES[code].meaning}`;
    texts.set(status, [...(texts.get(status) ?? []), text]);
  }
  const content = {
    'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
  };
  return Object.fromEntries(
    [...texts].map(([status, lines]) => [status, { description: lines.join(' '), content }]),
  );
}

function pathParameters({ path }: Route): object[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters({ query }: Route, components: SchemaComponents): object[] {
  if (query === null) return [];
  const { properties = {}, required = [] } = components.of(query, 'input') as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

function headerParameters({ headers = {} }: Route): object[] {
  return Object.entries(headers).map(([name, description]) => ({
    name,
    in: 'header',
    description,
    required: name === 'If-Match',
    schema: { type: 'string' },
  }));
}
