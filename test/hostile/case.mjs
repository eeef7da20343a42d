// What a bad input is: a request, or several, that must be refused in words.

/**
 * @typedef {object} Sent
 * @property {string} [method] GET unless it has a body
 * @property {string} path
 * @property {Readonly<Record<string, string | string[]>>} [headers]
 * @property {Buffer | string} [body]
 * @property {boolean} [mayWait] whether 503 with Retry-After is an answer: the request is one of many at once
 */

/** @typedef {{ status: number, text: string, headers: import('node:http').IncomingHttpHeaders }} Answer */

/**
 * @typedef {object} Sender
 * @property {(request: Sent) => Promise<Answer>} send through an HTTP client, whose parser is strict
 * @property {(text: string | Buffer) => Promise<string>} sendRaw bytes on a socket
 */

/**
 * @typedef {object} Case
 * @property {string} kind
 * @property {string} name what is wrong with it
 * @property {(sender: Sender) => Promise<unknown>} run
 */

/**
 * @typedef {object} Context what exists, for inputs that are nearly right
 * @property {string} dataset ready, of one image
 * @property {string} open dataset that takes images
 * @property {string} job completed
 * @property {string} foreign job of another tenant
 * @property {string} canary address of a server on loopback that no webhook may reach
 * @property {readonly import('../trials/photos.mjs').Photo[]} photos
 */

/** @typedef {(chance: import('../trials/chance.mjs').Chance, context: Context) => Case | Promise<Case>} Generator */

/**
 * @param {string} kind
 * @param {string} name
 * @param {Sent} request
 * @returns {Case}
 */
export const single = (kind, name, request) => ({
  kind,
  name,
  run: ({ send }) => send(request),
});

export const asJson = { 'content-type': 'application/json' };
