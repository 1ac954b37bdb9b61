export const probe = (value: any): unknown => value; // report: @typescript-eslint/no-explicit-any
