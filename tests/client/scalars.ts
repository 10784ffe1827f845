/** `ExpectedErrorType`: what is wrong with which input. */
export type Errors = Record<string, { message: string; code: string }[]>;

/** `GenericScalar`: what a token says. */
export type Payload = { username: string; exp: number; origIat: number };
