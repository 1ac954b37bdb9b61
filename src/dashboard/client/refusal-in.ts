import type { RefusalView } from '../../api/access/guarded-routes.js';

/** Why a call is refused, by the routes that whoever asks is refused.
 *  @returns null: none of them is called */
export function refusalIn(
  refusals: readonly RefusalView[],
  call: Pick<RefusalView, 'method' | 'path' | 'field'>,
): string | null {
  const refusal = refusals.find(
    ({ method, path, field }) =>
      method === call.method && field === call.field && isOf(path, call.path),
  );
  return refusal?.reason ?? null;
}

/** @param template `/jobs/{id}/start`
 *  @param address with its query, if any */
function isOf(template: string, address: string): boolean {
  const [path = ''] = address.split('?');
  const parts = template.split('/');
  const called = path.split('/');
  return (
    parts.length === called.length &&
    parts.every((part, at) => part.startsWith('{') || part === called[at])
  );
}
