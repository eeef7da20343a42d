// Damage to bytes and to values.

/** @typedef {import('../trials/chance.mjs').Chance} Chance */

/** @type {Readonly<Record<string, (bytes: Buffer, chance: Chance) => Buffer>>} */
const damages = {
  'flipped bits': (bytes, chance) => {
    const copy = Buffer.from(bytes);
    for (let left = chance.between(1, 12); left > 0; left--) {
      const at = chance.between(0, copy.length - 1);
      copy[at] = (copy[at] ?? 0) ^ (1 << chance.between(0, 7));
    }
    return copy;
  },
  truncated: (bytes, chance) => bytes.subarray(0, chance.between(0, bytes.length - 1)),
  'a part cut out': (bytes, chance) => {
    const start = chance.between(0, bytes.length - 1);
    return Buffer.concat([
      bytes.subarray(0, start),
      bytes.subarray(chance.between(start, bytes.length)),
    ]);
  },
  'a part repeated': (bytes, chance) => {
    const at = chance.between(0, bytes.length - 1);
    const part = bytes.subarray(at, at + chance.between(1, 512));
    return Buffer.concat([bytes.subarray(0, at), part, part, part, bytes.subarray(at)]);
  },
  'extremes written over numbers': (bytes, chance) => {
    const copy = Buffer.from(bytes);
    const extreme = chance.pick(['00000000', 'ffffffff', '7fffffff', '80000000', '0000ffff']);
    Buffer.from(extreme, 'hex').copy(copy, chance.between(0, Math.min(copy.length - 1, 256)));
    return copy;
  },
  'noise before it': (bytes, chance) => Buffer.concat([chance.bytes(chance.between(1, 64)), bytes]),
  'noise behind it': (bytes, chance) =>
    Buffer.concat([bytes, chance.bytes(chance.between(1, 512))]),
  'noise alone': (_, chance) => chance.bytes(chance.between(0, 2_048)),
};

/**
 * @param {Buffer} bytes not empty
 * @param {Chance} chance
 * @returns {{ name: string, bytes: Buffer }}
 */
export function damage(bytes, chance) {
  const name = chance.pick(Object.keys(damages));
  return { name, bytes: damages[name]?.(bytes, chance) ?? bytes };
}

/** Texts that are no names, ids or numbers, whatever they are read as. */
export const oddTexts = [
  '',
  ' ',
  '.',
  '..',
  '../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  '%00',
  '\u0000',
  '\r\nX-Injected: 1',
  '\u202egnp.exe',
  '\u200b',
  '\ud800',
  'a'.repeat(5_000),
  '💥'.repeat(300),
  '__proto__',
  'constructor',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a template's text is what is sent
  '${7*7}{{7*7}}',
  "' OR 1=1 --",
  '<script>alert(1)</script>',
  'NaN',
  '-1',
  '1e309',
  '0x10',
  '9007199254740993',
  'null',
  'C:\\Windows\\win.ini',
  '\\\\host\\share',
  'file:///etc/passwd',
];

/** @type {readonly ((chance: Chance) => unknown)[]} */
const oddValues = [
  () => null,
  () => true,
  () => -1,
  () => 0,
  () => 1.5,
  () => 1e308,
  () => Number.MAX_SAFE_INTEGER + 2,
  () => [],
  () => ({}),
  () => [[[[]]]],
  () => JSON.parse('{"__proto__": {"isAdmin": true}}'),
  () => Array(2_000).fill(1),
  (chance) => chance.pick(oddTexts),
  (chance) => ({ [chance.pick(oddTexts)]: chance.pick(oddTexts) }),
];

/**
 * Puts odd values in place of some of a JSON value's parts.
 *
 * @param {unknown} value
 * @param {Chance} chance
 * @param {number} [share] of the parts
 * @returns {unknown}
 */
export function distort(value, chance, share = 0.25) {
  if (chance.next() < share) return chance.pick(oddValues)(chance);
  if (Array.isArray(value)) return value.map((one) => distort(one, chance, share));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, one]) => [name, distort(one, chance, share)]);
  if (chance.next() < share) entries.push([chance.pick(oddTexts), 1]);
  return Object.fromEntries(entries);
}
