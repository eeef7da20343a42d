import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repoRoot } from './lib/run.mjs';
import {
  checkLicences,
  checkSbom,
  floatingReason,
  isAllowed,
  judgeAudit,
  listImages,
  listRuntimePackages,
  toRuntimeSbom,
} from './lib/supply.mjs';

const { licences } = JSON.parse(readFileSync(join(repoRoot, 'scripts/supply-policy.json'), 'utf8'));
const runtime = listRuntimePackages(repoRoot);
const of = (/** @type {string | null} */ licence, name = 'x') => ({
  name,
  version: '1.0.0',
  licence,
  path: `node_modules/${name}`,
});

describe('licences', () => {
  it('of all that runs here are allowed', () => {
    expect(checkLicences(runtime, licences)).toEqual([]);
    const names = runtime.map(({ name }) => name);
    // Native code, and what the root lists for development as well.
    expect(names).toEqual(
      expect.arrayContaining(['sharp', 'onnxruntime-node', 'bullmq', 'express']),
    );
    expect(names).not.toContain('vitest');
  });

  it.each([
    'GPL-3.0-only',
    'AGPL-3.0',
    'SSPL-1.0',
    'LGPL-3.0-or-later',
    'SEE LICENSE IN x',
    'UNLICENSED',
    '',
    null,
  ])('refuses %j', (licence) => {
    const found = checkLicences([of(licence)], { allowed: licences.allowed, exceptions: [] });
    expect(found).toEqual([`Expected an allowed licence of x@1.0.0, got ${licence ?? 'none'}`]);
  });

  it('reads expressions', () => {
    const allowed = ['MIT', 'ISC'];
    for (const one of ['MIT', '(MIT OR GPL-3.0)', 'GPL-3.0 OR MIT', 'MIT AND (ISC OR GPL-2.0)']) {
      expect(isAllowed(one, allowed)).toBe(true);
    }
    for (const one of [
      'MIT AND GPL-3.0',
      '(MIT',
      'MIT)',
      'MIT ISC',
      'OR MIT',
      'MIT WITH x',
      '()',
    ]) {
      expect(isAllowed(one, allowed)).toBe(false);
    }
  });

  it('excuse a package by name and licence, for a reason, and no longer than it is there', () => {
    const exception = { package: 'lib-*', licence: 'LGPL-3.0', reason: 'a shared library' };
    const check = (/** @type {any[]} */ packages, more = {}) =>
      checkLicences(packages, { allowed: ['MIT'], exceptions: [{ ...exception, ...more }] });
    expect(check([of('LGPL-3.0', 'lib-a')])).toEqual([]);
    expect(check([of('LGPL-3.0', 'other')])).toHaveLength(2);
    expect(check([of('GPL-3.0', 'lib-a')])).toHaveLength(2);
    expect(check([of('LGPL-3.0', 'lib-a')], { reason: ' ' })).toHaveLength(2);
    expect(check([of('MIT', 'lib-a')])).toEqual([
      'Expected a package for the exception of lib-*, got none',
    ]);
  });
});

describe('what runs', () => {
  /** @type {string} */
  let root;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'umbra-runtime-'));
    const put = (/** @type {string} */ path, /** @type {object} */ manifest) => {
      const file = join(root, path, 'package.json');
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify({ version: '1.0.0', ...manifest }));
    };
    put('apps/api', {
      name: 'api',
      dependencies: { a: '1' },
      devDependencies: { dev: '1' },
      optionalDependencies: { 'for-another-system': '1' },
    });
    put('node_modules/a', { name: 'a', license: { type: 'MIT' }, dependencies: { b: '2' } });
    put('node_modules/b', { name: 'b', version: '1.0.0' });
    put('node_modules/a/node_modules/b', {
      name: 'b',
      version: '2.0.0',
      licenses: [{ type: 'ISC' }],
    });
    put('node_modules/dev', { name: 'dev' });
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('is what the apps need, each in the version that it gets', () => {
    const found = listRuntimePackages(root).map(({ name, version, licence }) => [
      name,
      version,
      licence,
    ]);
    expect(found).toEqual([
      ['api', '1.0.0', null],
      ['a', '1.0.0', 'MIT'],
      ['b', '2.0.0', 'ISC'],
    ]);
  });
});

describe('images', () => {
  it.each([
    'node:latest',
    'node',
    'node:22',
    'redis:7.4-bookworm',
    'registry:5000/x',
    'x:v1',
    'x@sha256:12',
  ])('refuses %s', (reference) => expect(floatingReason(reference)).toMatch(/^Expected a tag/));
  it.each([
    'node:22.21.1-bookworm-slim',
    'x:v1.8.0',
    `x@sha256:${'a'.repeat(64)}`,
    'r:5000/x:1.2.3',
  ])('takes %s', (reference) => expect(floatingReason(reference)).toBeNull());
  it('are found in Dockerfiles and manifests', () => {
    const found = listImages({
      Dockerfile:
        '# syntax=s/t:1\nARG A_IMAGE=a:1\nFROM $A_IMAGE AS build\nFROM b:2 AS c\nFROM build AS d\n',
      'x.yaml': 'kind: X\n  - image: c:3\n    image: "d:4" # why\n    imagePullPolicy: Never\n',
    });
    expect(found.map(({ reference }) => reference)).toEqual(['s/t:1', 'a:1', 'b:2', 'c:3', 'd:4']);
  });
});

describe('an audit', () => {
  const advisory = {
    url: 'https://github.com/advisories/GHSA-aaaa-bbbb',
    severity: 'high',
    title: 'Bad',
  };
  const answer = {
    vulnerabilities: {
      x: { name: 'x', nodes: ['node_modules/x'], via: [advisory, 'y'] },
      tool: { name: 'tool', nodes: ['node_modules/tool'], via: [advisory] },
    },
  };
  const judge = (/** @type {unknown} */ given, /** @type {any[]} */ allowed = []) =>
    judgeAudit(given, { packages: [of('MIT')], allowed, now: new Date('2026-01-02') });
  const excuse = {
    id: 'GHSA-aaaa-bbbb',
    package: 'x',
    reason: 'not reached',
    expires: '2026-01-02',
  };

  it.each([
    [{ message: '405 Method Not Allowed', statusCode: 405 }, '405 Method Not Allowed'],
    [{ error: { summary: 'ENOTFOUND' } }, 'ENOTFOUND'],
    [undefined, 'no answer'],
  ])('that is not answered is none', (given, unanswered) => {
    expect(judge(given)).toEqual({ unanswered });
  });
  it('refuses an advisory of what runs, unless it is excused for a reason and a time', () => {
    const refused = ['GHSA-aaaa-bbbb of x: high, Bad'];
    expect(judge(answer)).toEqual({ refused });
    expect(judge(answer, [excuse])).toEqual({ refused: [] });
    expect(judge(answer, [{ ...excuse, package: 'z' }])).toEqual({ refused });
    for (const bad of [{ expires: '2026-01-01' }, { reason: '' }]) {
      expect(judge(answer, [{ ...excuse, ...bad }])).toMatchObject({ refused: { length: 2 } });
    }
    expect(judge({ vulnerabilities: {} })).toEqual({ refused: [] });
  });
});

describe('the bill of materials', () => {
  const packages = [of('MIT'), of('ISC', '@a/y')];
  const component = (/** @type {string} */ purl, /** @type {string} */ reference) => ({
    'bom-ref': reference,
    purl,
    licenses: [{ license: { id: 'MIT' } }],
  });
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    metadata: { component: { 'bom-ref': 'root@1', name: 'folder' } },
    components: [
      component('pkg:npm/x@1.0.0', 'x@1.0.0'),
      component('pkg:npm/%40a/y@1.0.0', '@a/y@1.0.0'),
      component('pkg:npm/dev@1.0.0', 'dev@1.0.0'),
    ],
    dependencies: [
      { ref: 'root@1', dependsOn: ['x@1.0.0', 'dev@1.0.0'] },
      { ref: 'dev@1.0.0', dependsOn: [] },
    ],
  };

  it('has what runs, and nothing else', () => {
    const kept = toRuntimeSbom(document, packages);
    expect(checkSbom(kept, packages)).toEqual([]);
    expect(kept.metadata.component.name).toBe('umbra');
    expect(kept.dependencies).toEqual([{ ref: 'root@1', dependsOn: ['x@1.0.0'] }]);
  });
  it('is refused with a package too few or too many, without a licence, or in another format', () => {
    const kept = toRuntimeSbom(document, packages);
    expect(checkSbom(document, packages)).toContain('Expected 2 components, got 3');
    expect(checkSbom(kept, [...packages, of('MIT', 'sharp')])).toEqual([
      'Expected sharp@1.0.0 to be listed',
    ]);
    const bare = kept.components.map((/** @type {any} */ one) => ({ ...one, licenses: [] }));
    expect(checkSbom({ ...kept, components: bare }, packages)).toHaveLength(2);
    expect(checkSbom({ ...kept, bomFormat: 'SPDX' }, packages)).toHaveLength(1);
    expect(checkSbom(null, packages)).toHaveLength(3);
  });
  it('of this installation lists native libraries', () => {
    const folder = mkdtempSync(join(tmpdir(), 'umbra-sbom-'));
    const file = join(folder, 'sbom.cdx.json');
    const made = spawnSync(process.execPath, [join(repoRoot, 'scripts/sbom.mjs'), file]);
    expect(made.status).toBe(0);
    const written = JSON.parse(readFileSync(file, 'utf8'));
    rmSync(folder, { recursive: true });
    expect(checkSbom(written, runtime)).toEqual([]);
    expect(written.components.map((/** @type {any} */ one) => one.name)).toContain('sharp');
  });
});
