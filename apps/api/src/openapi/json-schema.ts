export type JsonSchema = Readonly<Record<string, unknown>>;

/** `input`: what a client may send. `output`: what it is sent, with defaults filled in. */
export type Direction = 'input' | 'output';
