import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repoRoot } from './lib/run.mjs';

const read = (/** @type {string[]} */ ...path) => readFileSync(join(repoRoot, ...path), 'utf8');
const root = JSON.parse(read('package.json'));
const folders = ['packages', 'apps'].flatMap((parent) =>
  readdirSync(join(repoRoot, parent))
    .map((name) => join(parent, name))
    .filter((folder) => existsSync(join(repoRoot, folder, 'package.json'))),
);
/** Packages that others can depend on; the others run from the repository or from an image. */
const published = ['shared', 'engine', 'client'].map((name) => join('packages', name));

describe('package.json', () => {
  it.each(folders)('of %s has the fields that a registry requires', (folder) => {
    const manifest = JSON.parse(read(folder, 'package.json'));
    expect(manifest).toMatchObject({
      name: expect.stringMatching(/^@umbra\/[a-z]+$/),
      description: expect.stringMatching(/\w/),
      exports: expect.anything(),
      files: expect.arrayContaining(['dist']),
      version: root.version,
      license: root.license,
      type: root.type,
      engines: root.engines,
    });
  });

  it.each(published)('of %s has a page and the licence beside it', (folder) => {
    expect(read(folder, 'README.md')).toContain(`# @umbra/`);
    expect(read(folder, 'LICENSE')).toBe(read('LICENSE'));
  });
});

it('the lock file names no registry', () => {
  const { packages } = JSON.parse(read('package-lock.json'));
  const resolved = Object.values(packages).flatMap((entry) => entry.resolved ?? []);
  expect(resolved.sort()).toEqual(folders.sort());
});

it('the font has the digest in SOURCE', () => {
  const folder = ['packages', 'engine', 'assets', 'fonts'];
  const bytes = readFileSync(join(repoRoot, ...folder, 'DejaVuSans.ttf'));
  expect(read(...folder, 'SOURCE')).toContain(createHash('sha256').update(bytes).digest('hex'));
});

it.each([
  ['Dockerfile', /^ENV NODE_ENV=production.*$/gm],
  ['docker-compose.yml', /^x-storage:[\s\S]*?\n\n/gm],
  ['k8s/base/api.yaml', /^ +env:[\s\S]*?ports:/gm],
  ['k8s/base/dispatcher.yaml', /^ +env:[\s\S]*?ports:/gm],
  ['k8s/components/worker-cpu/worker.yaml', /^ +env:[\s\S]*?ports:/gm],
  ['k8s/components/worker-nvidia/worker.yaml', /^ +env:[\s\S]*?ports:/gm],
])('%s disables the reports of onnxruntime in each environment', (file, environments) => {
  const found = read(file).match(environments) ?? [];
  expect(found).not.toEqual([]);
  for (const environment of found) {
    expect(environment).toMatch(/ORT_DISABLE_TELEMETRY(=1|: "1"|, value: "1")/);
  }
});
