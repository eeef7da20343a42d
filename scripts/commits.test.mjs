import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkCommits, subjectFault } from './lib/commits.mjs';

describe('subjectFault', () => {
  it('accepts a type with a scope or without', () => {
    for (const subject of ['fix(api): say why', 'docs: name it', 'feat(api,worker)!: drop keys']) {
      expect(subjectFault(subject)).toBeUndefined();
    }
    expect(subjectFault(`fix: ${'é'.repeat(67)}`)).toBeUndefined();
  });

  it('refuses other forms and long ones', () => {
    for (const subject of [
      'Say why',
      'fix say why',
      'fix:',
      'fix(): say why',
      'Fix(api): say why',
    ]) {
      expect(subjectFault(subject)).toMatch(/expected 'type\(scope\): what'/);
    }
    expect(subjectFault(`fix: ${'é'.repeat(68)}`)).toBe('has 73 characters, expected at most 72');
  });
});

describe('checkCommits', () => {
  /** @type {string} */
  let folder;
  /** @type {string} */
  let base;
  const git = (/** @type {string[]} */ ...args) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  const commit = (/** @type {string} */ subject) =>
    git('commit', '--quiet', '--allow-empty', '-m', subject);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'umbra-commits-'));
    git('init', '--quiet', '--initial-branch=main');
    commit('Before the rule');
    base = git('rev-parse', 'HEAD');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('checks commits newer than the base, and no merges', async () => {
    expect(await checkCommits(folder, base)).toBe(0);
    git('checkout', '--quiet', '-b', 'other');
    commit('fix: one');
    git('checkout', '--quiet', 'main');
    commit('docs: two');
    git('merge', '--quiet', '--no-ff', '-m', 'Merge of any name', 'other');
    expect(await checkCommits(folder, base)).toBe(2);
  });

  it('names each invalid subject', async () => {
    commit('fix: well formed');
    commit('No type');
    commit(`fix: ${'long '.repeat(20)}`);
    await expect(checkCommits(folder, base)).rejects.toThrow(
      /^subjects of commits:\n\w+ fix: long .*\n {2}has 104 characters.*\n\w+ No type\n {2}expected/,
    );
  });

  it('checks nothing if the base is missing', async () => {
    commit('No type');
    expect(await checkCommits(folder, '0'.repeat(40))).toBe(0);
    const shallow = join(folder, 'shallow');
    git('clone', '--quiet', '--depth=1', pathToFileURL(folder).href, shallow);
    expect(await checkCommits(shallow, base)).toBe(0);
    rmSync(join(folder, '.git'), { recursive: true });
    expect(await checkCommits(folder, base)).toBe(0);
  });
});
