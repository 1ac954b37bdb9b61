import { beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '@temporalio/client';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { createApi } from '../../../src/api/create-api.js';
import { SchemaComponents } from '../../../src/api/openapi-components.js';
import type { OpenApiDocument } from '../../../src/api/openapi.js';

async function served(): Promise<OpenApiDocument> {
  const log = () => undefined;
  const server = createApi({
    client: {} as Client,
    config: {
      server: { signIn: null },
      repositories: [],
      notifications: { channels: [] },
    } as never,
    token: null,
    now: Date.now,
    logger: { info: log, warn: log, error: log },
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/openapi.json`);
  server.close();
  return (await response.json()) as OpenApiDocument;
}

/** Every object in the document, with the way to it. */
function* nodes(value: unknown, place: readonly string[] = []): Generator<[string[], object]> {
  if (typeof value !== 'object' || value === null) return;
  yield [[...place], value];
  for (const [key, child] of Object.entries(value)) yield* nodes(child, [...place, key]);
}

describe('the OpenAPI document', () => {
  let document: OpenApiDocument;
  beforeAll(async () => {
    document = await served();
  });

  it('names every schema that has fields, so that generated clients can be read', () => {
    const unnamed = [...nodes(document)]
      .filter(([place, node]) => {
        const isNamed = place.length === 3 && place[1] === 'schemas';
        return 'properties' in node && 'type' in node && !isNamed;
      })
      .map(([place]) => place.join('.'));
    expect(unnamed).toEqual([]);
  });

  it('refers to nothing that it does not hold, and holds nothing that is not referred to', () => {
    const references = new Set(
      [...nodes(document)].flatMap(([, node]) =>
        '$ref' in node ? [String(node.$ref).replace('#/components/schemas/', '')] : [],
      ),
    );
    expect([...references].sort()).toEqual(Object.keys(document.components.schemas).sort());
  });

  it('closes no answer: fields may be added', () => {
    const { Overview, JobRequest } = document.components.schemas;
    expect(Overview).not.toHaveProperty('additionalProperties');
    expect(JobRequest).toHaveProperty('additionalProperties', false);
  });
});

it('has two entries for a schema that may be left out in requests, and for all that refer to it', () => {
  const inner = z.strictObject({ every: z.string().default('month') }).meta({ id: 'Inner' });
  const outer = z.strictObject({ inner }).meta({ id: 'Outer' });
  const same = z.strictObject({ name: z.string() }).meta({ id: 'Same' });
  const whole = z.strictObject({ outer, same });
  const components = new SchemaComponents([
    { schema: whole, io: 'input' },
    { schema: whole, io: 'output' },
  ]);
  expect(Object.keys(components.all())).toEqual([
    'Inner',
    'InnerInput',
    'Outer',
    'OuterInput',
    'Same',
  ]);
  expect(components.all().OuterInput).toMatchObject({
    properties: { inner: { $ref: '#/components/schemas/InnerInput' } },
  });
  expect(components.of(whole, 'output')).toMatchObject({
    properties: {
      outer: { $ref: '#/components/schemas/Outer' },
      same: { $ref: '#/components/schemas/Same' },
    },
  });
});
