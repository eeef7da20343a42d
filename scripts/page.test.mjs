import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { answersMark } from '@umbra/shared/offline-page';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pageDigest } from './lib/install.mjs';
import { repoRoot } from './lib/run.mjs';
import { listRuntimePackages } from './lib/supply.mjs';

const folder = join(repoRoot, 'apps', 'web', 'dist');
const maxFirstLoadBytes = 200_000;

/** @param {string} text @param {RegExp} pattern */
const allOf = (text, pattern) => [...text.matchAll(pattern)].map(([, found = '']) => found);

describe('the built page', () => {
  const index = readFileSync(join(folder, 'index.html'), 'utf8');

  it('has less than 200 kB of compressed script when it is first loaded', () => {
    const scripts = allOf(
      index,
      /<(?:script|link rel="modulepreload")[^>]* (?:src|href)="([^"]+)"/g,
    );
    expect(scripts).toContain('/theme.js');
    const bytes = scripts.reduce(
      (sum, path) => sum + gzipSync(readFileSync(join(folder, path)), { level: 9 }).length,
      0,
    );
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThan(maxFirstLoadBytes);
  });

  it('has nothing inline, and nothing of another site', () => {
    expect(index).not.toMatch(/<style|style=|<script(?![^>]* src=)| on\w+=/);
    expect(allOf(index, /(?:src|href)="([^"]+)"/g).filter((path) => !path.startsWith('/'))).toEqual(
      [],
    );
  });

  it('comes with the licences of what is in it, all of which the bill of materials lists', () => {
    const licences = readFileSync(join(folder, 'licences.md'), 'utf8');
    const named = allOf(licences, /^## (\S+) - /gm);
    const { bundled } = JSON.parse(readFileSync(join(repoRoot, 'apps/web/package.json'), 'utf8'));
    expect(named).toEqual(expect.arrayContaining(bundled));
    const listed = listRuntimePackages(repoRoot).map(({ name }) => name);
    expect(listed).toEqual(expect.arrayContaining(named));
  });

  it('is compressed beforehand', () => {
    const [script = ''] = allOf(index, /src="(\/assets\/[^"]+)"/g);
    const { size } = statSync(join(folder, script));
    for (const suffix of ['.br', '.gz']) {
      expect(statSync(join(folder, script + suffix)).size).toBeLessThan(size / 2);
    }
  });
});

describe('the page of one file', () => {
  const page = readFileSync(join(folder, 'offline.html'), 'utf8');

  it('has a policy that allows its scripts and its style, each by its digest, and no address', () => {
    const [policy = ''] = allOf(page, /Content-Security-Policy" content="([^"]+)"/g);
    const hashes = (/** @type {RegExp} */ pattern) =>
      allOf(page, pattern).map(
        (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
      );
    const scripts = hashes(/<script>([\s\S]*?)<\/script>/g);
    const styles = hashes(/<style>([\s\S]*?)<\/style>/g);
    expect([scripts.length, styles.length]).toEqual([2, 1]);
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `script-src ${scripts.join(' ')}`,
      `style-src ${styles.join(' ')}`,
      'img-src data: blob:',
      "connect-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ]);
  });

  it('has one place for answers, and loads nothing', () => {
    expect(page.split(answersMark)).toHaveLength(2);
    const head = page.slice(0, page.indexOf('<style>'));
    expect(allOf(head, /(?:src|href)="([^"]+)"/g)).toEqual([
      expect.stringMatching(/^data:image\/svg\+xml;base64,/),
    ]);
    expect(page).not.toMatch(/<(script|img|iframe|object|embed)[^>]* src=/);
  });

  it.each([
    ['licences.md', join(folder, 'licences.md')],
    ['report.md', join(repoRoot, 'docs', 'report.md')],
  ])('has %s in it', (name, file) => {
    const [kept = ''] = allOf(page, new RegExp(`data-path="/${name}"[^>]*>([^<]+)<`, 'g'));
    expect(Buffer.from(kept, 'base64')).toEqual(readFileSync(file));
  });
});

describe("the page's digest", () => {
  /** @type {string} */
  let root;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'umbra-page-'));
    write('package-lock.json', '{}');
    write('docs/report.md', '# A report');
    write('packages/shared/src/a.ts', 'a');
    write('apps/web/src/main.tsx', 'b');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** @param {string} path @param {string} text */
  const write = (path, text) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };

  it.each([
    'apps/web/src/main.tsx',
    'packages/shared/src/a.ts',
    'package-lock.json',
    'docs/report.md',
    'apps/web/new',
  ])('changes with %s', (path) => {
    const before = pageDigest(root);
    write(path, 'changed');
    expect(pageDigest(root)).not.toBe(before);
  });

  it.each(['apps/web/dist/a.js', 'apps/web/src/a.test.ts', 'apps/web/tsconfig.tsbuildinfo'])(
    'does not change with %s',
    (path) => {
      const before = pageDigest(root);
      write(path, 'changed');
      expect(pageDigest(root)).toBe(before);
    },
  );
});
