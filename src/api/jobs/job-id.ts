import type { z } from 'zod';

/** The id that a definition gives, or a slug of its name. Nothing of the name can be kept: an issue of the request. */
export function idOf(
  definition: { readonly id?: string | undefined; readonly name: string },
  context: z.core.$RefinementCtx,
): string {
  const id = definition.id ?? slugOf(definition.name);
  if (id === '')
    context.issues.push({
      code: 'custom',
      path: ['id'],
      input: definition.name,
      message: 'required, because the name has no letters or digits for an id',
    });
  return id;
}

/** `Nightly off-site!` → `nightly-off-site`; empty when nothing of the name can be kept. */
function slugOf(name: string): string {
  return name
    .normalize('NFKD')
    .replaceAll(/\p{Mark}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, '');
}
