/** Where a value lies in a JSON value: names of fields and indexes of lists, from the outside. */
export type Place = readonly (string | number)[];

/** Every place in a JSON value, the value itself left out. */
export function placesIn(value: unknown, place: Place = []): Place[] {
  const own = place.length === 0 ? [] : [place];
  if (typeof value !== 'object' || value === null) return own;
  const inner = Object.entries(value).flatMap(([key, child]) => placesIn(child, [...place, key]));
  return [...own, ...inner];
}

/** The same value with something else at one place. */
export function replaced(value: unknown, [key, ...rest]: Place, replacement: unknown): unknown {
  if (key === undefined) return replacement;
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) =>
      String(index) === String(key) ? replaced(item, rest, replacement) : item,
    );
  }
  const fields = value as Record<string, unknown>;
  return { ...fields, [key]: replaced(fields[key], rest, replacement) };
}
