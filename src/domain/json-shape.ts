/** What JSON from outside must look like before it is trusted to be of a type: a shape is a description of the type that can be asked.
 *
 *  Fields that a shape does not name are fine: a file of the same version may carry more than this release knows (docs/FORMAT.md, Versions). */
export interface Shape<T> {
  /** What is wrong, as words that follow the name of the value (`.points[2].id is missing`); null: nothing. */
  (value: unknown): string | null;
  /** Never there; binds the shape to its type. */
  readonly of?: T;
}

export const text: Shape<string> = (value) =>
  typeof value === 'string' ? null : wrong(value, 'is not a text');

/** A whole number that is not negative. */
export const count: Shape<number> = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? null : wrong(value, 'is not a count');

/** An RFC 3339 instant. */
export const instant: Shape<string> = (value) =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value))
    ? null
    : wrong(value, 'is not a date');

export function oneOf<T extends string>(...words: readonly T[]): Shape<T> {
  return (value) =>
    (words as readonly unknown[]).includes(value)
      ? null
      : wrong(value, `is none of ${words.join(', ')}`);
}

/** Of what is written only where it holds. */
export const yes: Shape<true> = (value) => (value === true ? null : wrong(value, 'is not true'));

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value) => (value === null ? null : shape(value));
}

/** A field that may be absent. */
export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value) => (value === undefined ? null : shape(value));
}

export function listOf<T>(shape: Shape<T>): Shape<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value)) return wrong(value, 'is not a list');
    for (const [index, entry] of value.entries()) {
      const fault = shape(entry);
      if (fault !== null) return `[${index}]${fault}`;
    }
    return null;
  };
}

/** Every field of the type has its shape here, so a new one cannot be forgotten. */
export function object<T extends object>(fields: {
  readonly [K in keyof T]-?: Shape<T[K]>;
}): Shape<T> {
  const shapes = Object.entries<Shape<unknown>>(fields);
  return (value) => {
    if (!isObject(value)) return wrong(value, 'is not an object');
    for (const [name, shape] of shapes) {
      const fault = shape(Object.hasOwn(value, name) ? value[name] : undefined);
      if (fault !== null) return `.${name}${fault}`;
    }
    return null;
  };
}

/** A union that is told apart by `type`. */
export function tagged<T extends { readonly type: string }>(members: {
  readonly [K in T['type']]: Shape<Omit<Extract<T, { type: K }>, 'type'>>;
}): Shape<T> {
  return (value) => {
    if (!isObject(value)) return wrong(value, 'is not an object');
    const { type } = value;
    if (typeof type !== 'string' || !Object.hasOwn(members, type))
      return `.type${wrong(type, `is none of ${Object.keys(members).join(', ')}`)}`;
    return (members as Record<string, Shape<unknown>>)[type]!(value);
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(value: unknown, words: string): string {
  return value === undefined ? ' is missing' : ` ${words}`;
}
