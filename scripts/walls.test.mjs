import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bin } from './lib/install.mjs';
import { repoRoot } from './lib/run.mjs';
import { findDeadLinks, findUnknownMessages, findViolations } from './lib/walls.mjs';

describe('a planted violation fails the check', () => {
  test.each([
    ['a private word', 'apps/api/src/x.ts', 'export type EventBook = {};', 'banned words'],
    ['a bare "Of"', 'apps/api/src/x.ts', '/** Of a job. */', 'banned words'],
    ['a limit with the name most', 'apps/api/src/x.ts', 'const mostBytes = 1;', 'banned words'],
    [
      'process.env in occlusion',
      'packages/engine/src/occlusion/x.ts',
      'const home = process.env.HOME;',
      'environment',
    ],
    [
      'a key outside of the table',
      'apps/worker/src/x.ts',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
      'const key = `tenants/${tenant}/jobs/${id}/job.json`;',
      'store keys',
    ],
    ['a key taken apart', 'apps/api/src/x.ts', "const [id] = key.split('/');", 'store keys'],
    [
      'an unbounded cache',
      'apps/api/src/x.ts',
      'const modelCache = new Map<string, string>();',
      'bounded caches',
    ],
    [
      'an import of onnxruntime beside the one that disables its reports',
      'packages/engine/src/x.ts',
      "import { InferenceSession } from 'onnxruntime-node';",
      'telemetry',
    ],
    [
      'a signal to what may never have started',
      'apps/worker/src/x.ts',
      "child.kill('SIGKILL');",
      'signals',
    ],
  ])('%s', (_, path, text, wall) => {
    expect(findViolations([{ path, text }])).toEqual([
      expect.stringContaining(`${path}:1 ${wall}: `),
    ]);
    expect(findViolations([{ path: path.replace('.ts', '.test.ts'), text }])).toEqual([]);
  });

  test('type names that several files declare', () => {
    const names = Array.from({ length: 8 }, (_, index) => `type Name${index} = {};\n`).join('');
    const files = ['a', 'b'].map((name) => ({ path: `apps/api/src/${name}.ts`, text: names }));
    expect(findViolations(files)).toEqual([expect.stringContaining('Name0, Name1')]);
  });

  test('a link and a path in a page without a target', () => {
    const text = '[gone](../gone.md) and `apps/api/src/gone.ts`, [here](https://example.org)';
    expect(findDeadLinks([{ path: 'docs/a/b.md', text }], () => false)).toEqual([
      "docs/a/b.md:1 leads to 'docs/gone.md'",
      "docs/a/b.md:1 leads to 'apps/api/src/gone.ts'",
    ]);
  });

  test('a log message of a runbook that no code logs', () => {
    const page = {
      path: 'docs/operations/runbooks.md',
      text: 'see `image lost` and `kubectl get pods`',
    };
    const source = (/** @type {string} */ text) => ({ path: 'apps/worker/src/a.ts', text });
    expect(findUnknownMessages([page, source("logger.warn({}, 'image found')")])).toEqual([
      "docs/operations/runbooks.md:1 quotes 'image lost', which no code logs",
    ]);
    expect(findUnknownMessages([page, source("logger.warn({}, 'image lost')")])).toEqual([]);
  });
});

describe('a planted violation fails the linter', () => {
  /** @type {string} */
  let folder;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'umbra-walls-'));
    await cp(join(repoRoot, 'biome.json'), join(folder, 'biome.json'));
    await promisify(execFile)('git', ['init', '--quiet', folder]);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** @param {Readonly<Record<string, string>>} files @returns {Promise<string>} what the linter printed */
  async function lint(files) {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    return promisify(execFile)(bin('biome'), ['lint', '--colors=off', '.'], { cwd: folder }).then(
      ({ stdout, stderr }) => stdout + stderr,
      ({ stdout, stderr }) => `failed\n${stdout}${stderr}`,
    );
  }
  const manifest = (/** @type {Record<string, string>} */ dependencies = {}) =>
    JSON.stringify({ name: 'planted', dependencies });

  test.each([
    [
      'an import cycle, of types too',
      'noImportCycles',
      {
        'apps/api/src/a.ts': "import type { B } from './b.js';\nexport type A = B;\n",
        'apps/api/src/b.ts': "import type { A } from './a.js';\nexport type B = A;\n",
      },
    ],
    [
      'an undeclared dependency',
      'noUndeclaredDependencies',
      {
        'apps/api/package.json': manifest(),
        'apps/api/src/a.ts': "import sharp from 'sharp';\nexport const a = sharp;\n",
      },
    ],
    [
      'a floating promise',
      'noFloatingPromises',
      { 'apps/api/src/a.ts': 'async function b() {}\nexport function a() {\n  b();\n}\n' },
    ],
    [
      'a barrel',
      'noReExportAll',
      {
        'apps/api/src/a.ts': "export * from './b.js';\n",
        'apps/api/src/b.ts': 'export const b = 1;\n',
      },
    ],
    [
      'a function of five parameters',
      'useMaxParams',
      {
        'apps/api/src/a.ts':
          'export const a = (b: 1, c: 1, d: 1, e: 1, f: 1) => b + c + d + e + f;\n',
      },
    ],
    [
      'an app that imports an app',
      'noRestrictedImports',
      {
        'apps/api/package.json': manifest({ '@umbra/worker': '0.1.0' }),
        'apps/api/src/a.ts':
          "import { startWorker } from '@umbra/worker';\nexport const a = startWorker;\n",
      },
    ],
    [
      'Redis in the engine',
      'noRestrictedImports',
      {
        'packages/engine/package.json': manifest({ ioredis: '6.0.0' }),
        'packages/engine/src/a.ts': "import { Redis } from 'ioredis';\nexport const a = Redis;\n",
      },
    ],
    [
      'I/O in occlusion',
      'noRestrictedImports',
      {
        'packages/engine/src/occlusion/a.ts':
          "import { readFile } from 'node:fs/promises';\nexport const a = readFile;\n",
      },
    ],
    [
      'a module of Node.js in the client, which runs in browsers',
      'noNodejsModules',
      {
        'packages/client/src/a.ts':
          "import { setTimeout } from 'node:timers/promises';\nexport const a = setTimeout;\n",
      },
    ],
    [
      'a global of Node.js in the client',
      'noRestrictedGlobals',
      { 'packages/client/src/a.ts': "export const a = Buffer.from('a');\n" },
    ],
    [
      'the platform in shared',
      'noRestrictedImports',
      {
        'packages/shared/package.json': manifest({ '@umbra/platform': '0.1.0' }),
        'packages/shared/src/a.ts':
          "import { keys } from '@umbra/platform/store/keys';\nexport const a = keys;\n",
      },
    ],
  ])('%s', async (_, rule, files) => {
    const output = await lint(files);
    expect(output).toMatch(/^failed/);
    expect(output).toContain(rule);
  });
});
