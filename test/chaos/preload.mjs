// Loaded into each worker before its own code (`--import`): moves its clock, and kills it in the middle of the step that an
// order names. Orders are files of one folder, so that a running process can be given one.
//   once-NAME   a regular expression; the first process that touches such an object dies, and the order with it
//   always-NAME likewise, but the order stays: whoever touches the object dies
import { appendFileSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import fs from 'node:fs/promises';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

const folder = process.env.UMBRA_CHAOS_ORDERS;
const shiftMs = Number(process.env.UMBRA_CHAOS_SHIFT_MS ?? 0);

if (shiftMs !== 0) moveClock(shiftMs);
if (folder !== undefined) watchStore(folder);

/** @param {number} byMs */
function moveClock(byMs) {
  const RealDate = Date;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given, as) =>
      Reflect.construct(target, given.length === 0 ? [RealDate.now() + byMs] : given, as),
    get: (target, name) =>
      name === 'now' ? () => RealDate.now() + byMs : Reflect.get(target, name),
  });
}

/** @param {string} orders */
function watchStore(orders) {
  for (const name of /** @type {const} */ (['readFile', 'open', 'rename', 'link', 'readdir'])) {
    const real = /** @type {(...given: any[]) => any} */ (fs[name]);
    const watched = (/** @type {any[]} */ ...given) => {
      obey(orders, given.filter((one) => typeof one === 'string').join(' '));
      return real(...given);
    };
    Object.assign(fs, { [name]: watched });
  }
  const real = /** @type {(...given: any[]) => any} */ (http.request);
  const watched = (/** @type {any[]} */ ...given) => {
    obey(orders, `${given[0]?.method} ${decodeURIComponent(String(given[0]?.path))}`);
    return real(...given);
  };
  Object.assign(http, { request: watched });
  syncBuiltinESMExports();
}

/**
 * @param {string} orders
 * @param {string} touched
 */
function obey(orders, touched) {
  for (const name of listed(orders)) {
    const path = join(orders, name);
    try {
      if (!new RegExp(readFileSync(path, 'utf8')).test(touched)) continue;
      // Whoever removes it takes it: of several processes one alone dies.
      if (name.startsWith('once-')) unlinkSync(path);
    } catch {
      continue;
    }
    appendFileSync(`${orders}.log`, `${name}\n`);
    process.kill(process.pid, 'SIGKILL');
  }
}

/** @param {string} orders */
function listed(orders) {
  try {
    return readdirSync(orders);
  } catch {
    return [];
  }
}
