// Sends bad inputs, each with a bound in time, and holds every answer to what is true of all of them.
import http from 'node:http';
import { connect } from 'node:net';

/** Longer than any deadline that a request of a trial states. */
const answerMs = 20_000;
const rawMs = 3_000;

/**
 * @param {object} options
 * @param {string} options.url
 * @param {string} options.apiKey
 * @param {readonly string[]} options.secrets that no answer may hold
 * @param {(status: number) => void} options.onAnswer 0 where the connection ended without one
 * @returns {import('./case.mjs').Sender}
 */
export function createSender({ url, apiKey, secrets, onAnswer }) {
  const { hostname, port } = new URL(url);
  // A connection for each: some end with the request that they carried.
  const agent = new http.Agent({ keepAlive: false });
  return {
    async send(sent) {
      const answer = await request({ hostname, port, agent, apiKey }, sent);
      onAnswer(answer.status);
      const problem = faultOf(answer, sent, secrets);
      if (problem !== null) throw new Error(problem);
      return answer;
    },
    async sendRaw(text) {
      const answer = await exchange(Number(port), hostname, text);
      const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
      if (status >= 500 && status !== 505) throw new Error(`Expected no 5xx, got ${status}`);
      const leaked = secrets.find((secret) => answer.includes(secret));
      if (leaked !== undefined) throw new Error('a secret is in an answer');
      return answer;
    },
  };
}

/**
 * @param {{ hostname: string, port: string, agent: http.Agent, apiKey: string }} to
 * @param {import('./case.mjs').Sent} sent
 * @returns {Promise<import('./case.mjs').Answer>}
 */
function request({ hostname, port, agent, apiKey }, { method, path, headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const all = {
      authorization: `Bearer ${apiKey}`,
      ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      ...headers,
    };
    const verb = method ?? (body === undefined ? 'GET' : 'POST');
    const sending = http.request(
      { hostname, port, agent, path, method: verb, headers: all },
      (response) => {
        /** @type {Buffer[]} */
        const chunks = [];
        const done = () => {
          clearTimeout(timer);
          const text = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, text, headers: response.headers });
        };
        response.on('data', (chunk) => {
          chunks.push(chunk);
          // A stream of events lasts as long as it likes.
          if (response.headers['content-type']?.includes('event-stream')) response.destroy();
        });
        // An answer that is cut off was answered, too: the server closes what it does not read on.
        response.on('close', done);
      },
    );
    const timer = setTimeout(() => {
      sending.destroy();
      reject(new Error(`Expected an answer within ${answerMs / 1000} s, got none`));
    }, answerMs);
    sending.on('error', () => {
      clearTimeout(timer);
      resolve({ status: 0, text: '', headers: {} });
    });
    sending.end(body);
  });
}

/**
 * @param {import('./case.mjs').Answer} answer
 * @param {import('./case.mjs').Sent} sent
 * @param {readonly string[]} secrets
 * @returns {string | null} what is wrong with it
 */
function faultOf({ status, text, headers }, { mayWait = false }, secrets) {
  if (secrets.some((secret) => text.includes(secret))) return 'a secret is in an answer';
  if (/\n {4}at .*\.js:\d+/.test(text)) return `Expected no stack, got ${text.slice(0, 200)}`;
  const isLoad = status === 503 && headers['retry-after'] !== undefined && mayWait;
  // 504 is the answer to the deadline that a request to explain states.
  if (status < 500 || status === 504 || isLoad) return null;
  return `Expected no 5xx, got ${status}: ${text.slice(0, 300)}`;
}

/**
 * @param {number} port
 * @param {string} host
 * @param {string | Buffer} text
 * @returns {Promise<string>} what came back until the server ended it, or for a while
 */
function exchange(port, host, text) {
  return new Promise((resolve) => {
    const socket = connect({ port, host }, () => socket.write(text));
    let answer = '';
    const timer = setTimeout(() => socket.destroy(), rawMs);
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}
