/** Answer of whatever starts an operation. */
export function startedOperation(operationId: string) {
  const Location = `/api/v1/operations/${encodeURIComponent(operationId)}`;
  return { content: { operationId }, headers: { Location } };
}
