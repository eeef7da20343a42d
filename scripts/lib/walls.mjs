// Walls for which the linter has no rule, as errors of `npm run check`: patterns that a folder must not contain.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { CommandError, repoRoot } from './run.mjs';

/** @typedef {{ readonly path: string, readonly text: string }} SourceFile path from the root, and content */

const code = /^(packages|apps)\/[^/]+\/src\/.*\.tsx?$/;
const isCode = (/** @type {string} */ path) =>
  code.test(path) && !/\.test\.ts$|\/testing\/|\/generated\//.test(path);
const readsEnvironment =
  /^(apps\/[^/]+\/src\/(main|config|lib\/config)|packages\/platform\/src\/config|packages\/engine\/src\/(backends\/no-telemetry|models\/model-environment))\.ts$/;
const keyTable = /^packages\/platform\/src\/store\/(keys|key-layout|key-pattern)\.ts$/;
const onnxruntimeFile = 'packages/engine/src/backends/onnxruntime-library.ts';
const signalFile = 'packages/shared/src/signal-child.ts';
const cacheFile = 'packages/shared/src/cache.ts';

/**
 * One wall: the files that it applies to, the pattern that they must not contain, and what to do instead.
 *
 * @typedef {object} Wall
 * @property {string} name
 * @property {(path: string) => boolean} holds
 * @property {RegExp} forbids global
 * @property {string} instead
 */

/** @type {readonly Wall[]} */
export const walls = [
  {
    name: 'banned words',
    holds: isCode,
    forbids: /\b\w*Book\b|\b\w*Shelf\b|\/\*\* Of |\b(most|least|longest)[A-Z]\w*/g,
    instead:
      "docs/style.md: the field's words, `max` and `min` for limits, a subject for docstrings",
  },
  {
    name: 'environment',
    holds: (path) => isCode(path) && !readsEnvironment.test(path),
    forbids: /process\.env\b/g,
    instead: "each app's config.ts reads the environment once, and passes it on",
  },
  {
    name: 'store keys',
    holds: (path) => isCode(path) && !keyTable.test(path),
    forbids:
      /[`'"](models|api-keys|tenants|active|retention|ingests|webhooks)\/[`'"$<]|\bkey\.split\('\/'\)/g,
    instead: 'packages/platform/src/store/keys.ts builds and parses every key',
  },
  {
    name: 'telemetry',
    holds: (path) => isCode(path) && path !== onnxruntimeFile,
    forbids: /\b(import|export) (?!type )[^;]*? from 'onnxruntime-node'/g,
    instead: `${onnxruntimeFile} disables the library's reports before it loads`,
  },
  {
    name: 'bounded caches',
    holds: (path) => isCode(path) && path !== cacheFile,
    forbids:
      /\b\w*([cC]ache|[mM]emo|[rR]emembered)\w*\s*(:[^=\n]+)?=\s*new Map\b|from 'lru-cache'/g,
    instead: '@umbra/shared/cache has a bound for every cache',
  },
  {
    name: 'signals',
    holds: (path) => isCode(path) && path !== signalFile,
    forbids: /\b(?!process\b)\w+\.kill\(/g,
    instead: `${signalFile} signals nothing in place of a process that never started`,
  },
  {
    name: 'page',
    holds: (path) => isCode(path) && path.startsWith('apps/web/'),
    forbids: /\b(import|export) (?!type )[^;]*? from '@umbra\/shared\/(contracts\/|ids'|cache')/g,
    instead:
      'the page takes types of contracts alone: what checks them, and Node.js, stay on the service',
  },
];

/** Max number of type names that several files declare: few enough that each is a known exception. */
const maxSharedTypeNames = 6;

/**
 * @param {readonly SourceFile[]} files
 * @returns {string[]} one line for each violation
 */
export function findViolations(files) {
  const found = files.flatMap(({ path, text }) =>
    walls
      .filter(({ holds }) => holds(path))
      .flatMap(({ name, forbids, instead }) =>
        [...text.matchAll(forbids)].map(
          (match) => `${path}:${lineOf(text, match.index)} ${name}: '${match[0]}'; ${instead}`,
        ),
      ),
  );
  const repeated = repeatedTypeNames(files);
  if (repeated.length <= maxSharedTypeNames) return found;
  return [
    ...found,
    `Expected at most ${maxSharedTypeNames} type names that several files declare, got ${repeated.length}: ${repeated.join(', ')}`,
  ];
}

/** @param {readonly SourceFile[]} files */
function repeatedTypeNames(files) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { path, text } of files) {
    if (!isCode(path)) continue;
    for (const [, name = ''] of text.matchAll(/^(?:export )?(?:type|interface) (\w+)/gm)) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return [...counts].filter(([, count]) => count > 1).map(([name]) => name);
}

/**
 * Finds links and paths in pages whose targets do not exist.
 *
 * @param {readonly SourceFile[]} pages Markdown
 * @param {(path: string) => boolean} exists
 * @returns {string[]} one line for each
 */
export function findDeadLinks(pages, exists) {
  return pages.flatMap(({ path, text }) => {
    const links = [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)].map((match) => ({
      match,
      target: normalize(join(dirname(path), String(match[1]))),
    }));
    const paths = [
      ...text.matchAll(/`((?:packages|apps|scripts|test|bench|k8s|ops)\/[\w./-]+\.\w+)`/g),
    ].map((match) => ({ match, target: String(match[1]) }));
    return [...links, ...paths]
      .filter(({ target }) => !exists(target))
      .map(({ match, target }) => `${path}:${lineOf(text, match.index)} leads to '${target}'`);
  });
}

const runbooks = 'docs/operations/runbooks.md';
/** A quoted log message: words in lower case. Commands, metrics and addresses do not match. */
const quotedMessage = /`([a-z][a-z']*(?: [a-z'-]+)+)`/g;
const commands = /^(kubectl|redis-cli|umbra|npx|npm) /;

/**
 * Finds log messages that runbooks quote but no code logs.
 *
 * @param {readonly SourceFile[]} files pages and code
 * @returns {string[]} one line for each
 */
export function findUnknownMessages(files) {
  const sources = files.filter(({ path }) => isCode(path)).map(({ text }) => text);
  return files
    .filter(({ path }) => path === runbooks)
    .flatMap(({ path, text }) =>
      [...text.matchAll(quotedMessage)]
        .filter(([, message = '']) => !commands.test(message))
        .filter(([, message = '']) => !sources.some((source) => source.includes(message)))
        .map(
          (match) =>
            `${path}:${lineOf(text, match.index)} quotes '${match[1]}', which no code logs`,
        ),
    );
}

/** @throws {CommandError} with every violation in the repository */
export function checkWalls() {
  const files = trackedFiles().filter(({ path }) => isCode(path) || path.endsWith('.md'));
  const pages = files.filter(({ path }) => path.endsWith('.md') && path !== 'CHANGELOG.md');
  const violations = [
    ...findViolations(files),
    ...findUnknownMessages(files),
    ...findDeadLinks(pages, (path) => existsSync(join(repoRoot, path))),
  ];
  if (violations.length > 0) throw new CommandError(violations.join('\n'), 1);
}

/** @returns {SourceFile[]} */
function trackedFiles() {
  const args = [
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    '--',
    '*.ts',
    '*.tsx',
    '*.md',
  ];
  return execFileSync('git', args, { cwd: repoRoot, encoding: 'utf8' })
    .split('\n')
    .filter((path) => path !== '' && existsSync(join(repoRoot, path)))
    .map((path) => ({ path, text: readFileSync(join(repoRoot, path), 'utf8') }));
}

const lineOf = (/** @type {string} */ text, /** @type {number | undefined} */ index) =>
  text.slice(0, index).split('\n').length;
