export class Probe {
  constructor(readonly a: number, readonly b: number, readonly c: number, readonly d: number, readonly e: number) {} // report: no-restricted-syntax
}
