export function probe(run: () => Promise<void>): void {
  run(); // report: @typescript-eslint/no-floating-promises
}
