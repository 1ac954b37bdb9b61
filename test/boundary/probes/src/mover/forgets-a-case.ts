export function wordOf(kind: 'full' | 'increment'): string {
  switch (kind) { // report: @typescript-eslint/switch-exhaustiveness-check
    case 'full':
      return 'full';
  }
}
