export const textOf = (value: { id: string }): string => `${value}`; // report: @typescript-eslint/restrict-template-expressions, @typescript-eslint/no-base-to-string
