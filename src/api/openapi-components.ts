/** Named schemas of the OpenAPI document: each stands there once, under the id that its zod schema has, and is referred to everywhere else. */

import { z } from 'zod';

export type JsonSchema = Readonly<Record<string, unknown>>;
type Direction = 'input' | 'output';

const LOCAL = '#/$defs/';
const PLACE = '#/components/schemas/';

/** A schema that reads differently in requests (its defaults may be left out there) has two entries: that of requests ends with `Input`. */
export class SchemaComponents {
  readonly #named: Record<Direction, Map<string, JsonSchema>> = {
    input: new Map(),
    output: new Map(),
  };
  #differing: ReadonlySet<string> = new Set();

  /** All schemas must be told before the first is referred to. */
  constructor(schemas: readonly { readonly schema: z.ZodType; readonly io: Direction }[]) {
    for (const { schema, io } of schemas)
      for (const [id, definition] of Object.entries(converted(schema, io).definitions))
        this.#named[io].set(id, definition);
    this.#differing = differing(this.#named.input, this.#named.output);
  }

  /** The schema as it stands in an operation. */
  of(schema: z.ZodType, io: Direction): JsonSchema {
    return this.#resolved(converted(schema, io).root, io);
  }

  /** By name. */
  all(): Record<string, JsonSchema> {
    const entries = (['output', 'input'] as const).flatMap((io) =>
      [...this.#named[io]].map(
        ([id, definition]) => [this.#nameOf(id, io), this.#resolved(definition, io)] as const,
      ),
    );
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #nameOf(id: string, io: Direction): string {
    return io === 'input' && this.#differing.has(id) ? `${id}Input` : id;
  }

  #resolved(schema: JsonSchema, io: Direction): JsonSchema {
    return JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
      key === '$ref' && typeof value === 'string' && value.startsWith(LOCAL)
        ? `${PLACE}${this.#nameOf(value.slice(LOCAL.length), io)}`
        : value,
    ) as JsonSchema;
  }
}

function converted(
  schema: z.ZodType,
  io: Direction,
): { root: JsonSchema; definitions: Record<string, JsonSchema> } {
  const {
    $schema: _dialect,
    $defs = {},
    ...root
  } = z.toJSONSchema(schema, {
    io,
    target: 'draft-2020-12',
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      // What the server answers may get more fields with any release.
      if (def.type === 'object' && def.catchall === undefined)
        delete jsonSchema.additionalProperties;
    },
  });
  return { root, definitions: $defs };
}

/** Ids whose schema is not the same in both directions, by itself or by what it refers to. */
function differing(
  input: ReadonlyMap<string, JsonSchema>,
  output: ReadonlyMap<string, JsonSchema>,
): Set<string> {
  const shared = [...input.keys()].filter((id) => output.has(id));
  const found = new Set(
    shared.filter((id) => JSON.stringify(input.get(id)) !== JSON.stringify(output.get(id))),
  );
  for (let known = -1; known !== found.size;) {
    known = found.size;
    for (const id of shared) if (refersTo(input.get(id)!, found)) found.add(id);
  }
  return found;
}

function refersTo(schema: JsonSchema, ids: ReadonlySet<string>): boolean {
  const text = JSON.stringify(schema);
  return [...ids].some((id) => text.includes(`"$ref":"${LOCAL}${id}"`));
}
