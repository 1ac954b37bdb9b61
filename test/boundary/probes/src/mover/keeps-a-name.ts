const never = 1; // report: @typescript-eslint/no-unused-vars
export const one = 1;
