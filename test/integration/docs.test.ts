import { execFile } from 'node:child_process';
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeOnnx, tinyNetwork } from '@umbra/engine/testing';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DocBlock, findBlocks, readDocBlocks } from '../support/doc-blocks.js';
import { exitCodeOf } from '../support/exit-code.js';
import { allPrograms, hasPrograms, type Program } from '../support/programs.js';
import {
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';
import { makeTar, makeTarGz } from '../support/tar.js';
import { makeZip } from '../support/zip.js';

// Every block of commands of the README and of docs/ is run, in the order of its page, unless it says why not.

const root = fileURLToPath(new URL('../..', import.meta.url));
const blocks = await readDocBlocks(root);
const run = blocks.filter(({ notRun }) => notRun === null);
const pages = [...new Set(run.map(({ page }) => page))];

let service: TestService;
let folder: string;
/** What pages speak of as there already. */
let known: { readonly DATASET: string; readonly JOB: string };

beforeAll(async () => {
  service = await startService({ UMBRA_MODELS_DIR: join(root, 'models') });
  await service.startWorker();
  folder = await mkdtemp(join(tmpdir(), 'umbra-docs-'));
  await writePrograms(join(folder, 'bin'));
  const bytes = await readFile(join(root, 'samples/photos/coffee.jpg'));
  const DATASET = await uploadPhotos(service.url, [{ name: 'coffee.jpg', bytes }]);
  const settings = { patch: 64, stride: 64 };
  const JOB = await submitJob(service.url, {
    ...{ dataset: DATASET, model: 'efficientnet-lite0', settings },
  });
  await waitForJob(service.url, JOB);
  known = { DATASET, JOB };
  // A machine that does much else takes its time.
}, 180_000);
afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

/** `npx umbra` runs this checkout's; `curl` fails where the service refuses. */
async function writePrograms(bin: string): Promise<void> {
  const umbra = join(root, 'apps/cli/bin/umbra.mjs');
  const programs = {
    npx: `[ "$1" = umbra ] || { echo "Expected npx umbra, got $1" >&2; exit 2; }; shift; exec '${process.execPath}' '${umbra}' "$@"`,
    curl: `PATH="$(echo "$PATH" | cut -d: -f2-)" exec curl --fail-with-body "$@"`,
  };
  await mkdir(bin);
  for (const [name, line] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${line}\n`);
    await chmod(join(bin, name), 0o755);
  }
}

/** A folder with what the pages name: the samples, and files of a reader's own. */
async function makeWorkplace(page: string): Promise<string> {
  const place = join(folder, page.replaceAll(/\W/g, '-'));
  const photo = join(root, 'samples/photos/coffee.jpg');
  await mkdir(join(place, 'my-photos/espresso'), { recursive: true });
  await cp(join(root, 'samples'), join(place, 'samples'), { recursive: true });
  await symlink(join(root, 'node_modules'), join(place, 'node_modules'));
  await copyFile(photo, join(place, 'my-photos/espresso/coffee.jpg'));
  await copyFile(photo, join(place, 'photo.jpg'));
  await copyFile(join(root, 'samples/photos/cat.jpg'), join(place, 'cat.jpg'));
  await sharp(photo).resize(300).png().toFile(join(place, 'photo.png'));
  const bytes = await readFile(photo);
  await writeFile(join(place, 'photos.zip'), await makeZip({ 'espresso/1.jpg': bytes }));
  await writeFile(join(place, 'key.txt'), `umbra_${'a'.repeat(8)}_${'a'.repeat(26)}\n`);
  await writeFile(join(place, 'net.onnx'), encodeOnnx(tinyNetwork(5, 1)));
  await writeFile(join(place, 'names.txt'), 'a\nb\nc\nd\ne\n');
  const entries = [{ name: 'my-photos/espresso/coffee.jpg', bytes }];
  await writeFile(join(place, 'photos.tar'), await makeTar(entries));
  await writeFile(join(place, 'photos.tar.gz'), await makeTarGz(entries));
  return place;
}

type Outcome = { readonly code: number; readonly output: string };

function shell(script: string, cwd: string): Promise<Outcome> {
  const env = {
    ...process.env,
    ...service.env,
    ...known,
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    API: service.url,
    UMBRA_API_URL: '',
    UMBRA_API_KEY: '',
    UMBRA_MODELS_DIR: join(cwd, 'own-models'),
    XDG_CONFIG_HOME: join(cwd, 'config'),
    KEY: 'none',
  };
  return new Promise((resolve) => {
    const options = { cwd, env, maxBuffer: 16 * 1024 * 1024 };
    execFile('bash', ['-euo', 'pipefail', '-c', script], options, (error, stdout, stderr) => {
      resolve({ code: exitCodeOf(error), output: `${stdout}\n${stderr}\n${error ?? ''}` });
    });
  });
}

/** Programs that a page's blocks need, beside those of every system. */
function programsOf(all: readonly DocBlock[]): Program[] {
  const words = new Set(all.flatMap(({ code }) => code.split(/\W+/)));
  return allPrograms.filter((name) => name === 'bash' || words.has(name));
}

/** Wherever a page thinks that the service is. */
const here = (code: string): string =>
  code.replaceAll(/http:\/\/127\.0\.0\.1:(8080|PORT)/g, service.url);

/** A page's blocks as one script, which says where it is: what one sets, the next one uses. */
const scriptOf = (all: readonly DocBlock[]): string =>
  all
    .map(({ code, language, line }) => {
      if (language === 'sh') return `echo '# line ${line}' >&2\n${here(code)}`;
      return `echo '# line ${line}' >&2\ncat > snippet-${line}.mjs <<'SNIPPET'\n${here(code)}\nSNIPPET\n'${process.execPath}' snippet-${line}.mjs`;
    })
    .join('\n');

for (const page of pages) {
  const own = run.filter((one) => one.page === page);
  const needed = programsOf(own);
  test.skipIf(!hasPrograms(needed))(
    `the commands of ${page} do what they say, by ${needed.join(', ')}`,
    async () => {
      const place = await makeWorkplace(page);
      const { code, output } = await shell(scriptOf(own), place);
      expect(code, output).toBe(0);
    },
    600_000,
  );
}

describe('a block', () => {
  test('is left out for a reason alone, and most are run', () => {
    const left = blocks.filter(({ notRun }) => notRun !== null);
    for (const { notRun } of left) expect(notRun?.length).toBeGreaterThan(10);
    expect(run.length).toBeGreaterThan(left.length);
  });

  test('is found with its reason, in lists too', () => {
    const text =
      'a\n```sh\nls\n```\n  <!-- not run: it needs docker -->\n  ```sh\n  docker ps\n  ```\n```json\n{}\n```';
    expect(findBlocks('a.md', text)).toEqual([
      { page: 'a.md', line: 2, language: 'sh', code: 'ls', notRun: null },
      { page: 'a.md', line: 6, language: 'sh', code: 'docker ps', notRun: 'it needs docker' },
    ]);
  });
});
