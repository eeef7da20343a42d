// Parser for the part of the Dockerfile syntax that Umbra uses. `npm run check:ops` checks the whole syntax with
// BuildKit's own parser.

/**
 * @typedef {{ name: string, flags: Record<string, string>, text: string }} Instruction
 * @typedef {{ name: string, base: string, instructions: Instruction[] }} Stage
 */

/**
 * @param {string} source
 * @returns {Map<string, Stage>} in order, by name
 */
export function parseDockerfile(source) {
  const lines = source
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  /** @type {Record<string, string>} */
  const args = {};
  /** @type {Map<string, Stage>} */
  const stages = new Map();
  /** @type {Stage | undefined} */
  let stage;
  for (const line of lines) {
    const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    if (name === 'ARG' && stage === undefined) {
      Object.assign(args, parsePairs(rest));
    } else if (name === 'FROM') {
      const [base = '', , as = ''] = rest.split(/\s+/);
      stage = { name: as, base: expand(base, args), instructions: [] };
      stages.set(as, stage);
    } else {
      stage?.instructions.push(parseInstruction(name, rest));
    }
  }
  return stages;
}

/**
 * @param {string} name
 * @param {string} rest
 * @returns {Instruction}
 */
function parseInstruction(name, rest) {
  /** @type {Record<string, string>} */
  const flags = {};
  const text = rest.replace(/^(?:--([\w-]+)=(\S+)\s+)+/, (all) => {
    for (const [, flag = '', value = ''] of all.matchAll(/--([\w-]+)=(\S+)/g)) flags[flag] = value;
    return '';
  });
  return { name, flags, text };
}

/**
 * @param {string} text
 * @returns {Record<string, string>}
 */
export function parsePairs(text) {
  return Object.fromEntries(
    text.split(/\s+/).map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/**
 * @param {string} text
 * @param {Record<string, string>} values
 */
function expand(text, values) {
  return text.replaceAll(/\$\{?(\w+)\}?/g, (_, name) => values[name] ?? '');
}
