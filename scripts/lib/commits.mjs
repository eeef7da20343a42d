// Subjects of commits: `type(scope): what` or `type: what`, short enough for one line of a log.
import { spawnSync } from 'node:child_process';
import { CommandError, repoRoot, step } from './run.mjs';

/** The last commit before the rule. */
const BASE = '194ce8fb3530886f1ec091949bad9c917fda3ca5';
const LONGEST = 72;
const FORM = /^[a-z]+(\([^\s()]+\))?!?: \S/;

/**
 * @param {string} subject
 * @returns {string | undefined} what is wrong with it
 */
export function subjectFault(subject) {
  const length = [...subject].length;
  if (length > LONGEST) return `has ${length} characters, expected at most ${LONGEST}`;
  return FORM.test(subject) ? undefined : "expected 'type(scope): what' or 'type: what'";
}

/**
 * Merges are exempt: git names them.
 *
 * @param {string} [folder] of the checkout
 * @param {string} [base] what came before the rule, itself included, is not looked at
 * @returns {Promise<number>} how many subjects were looked at; a checkout that does not reach back to the
 *   base has none
 * @throws {CommandError} that names each subject at fault
 */
export async function checkCommits(folder = repoRoot, base = BASE) {
  const git = (/** @type {string[]} */ ...args) =>
    spawnSync('git', args, { cwd: folder, encoding: 'utf8' });
  if (git('merge-base', '--is-ancestor', base, 'HEAD').status !== 0) {
    step(`subjects of commits: not checked, since ${base.slice(0, 7)} is not in this checkout`);
    return 0;
  }
  const { status, stdout, stderr } = git('log', '--no-merges', '--format=%h %s', `${base}..HEAD`);
  if (status !== 0) throw new CommandError(`git log: ${stderr.trim()}`, 1);
  const commits = stdout.split('\n').filter(Boolean);
  const faults = commits.flatMap((commit) => {
    const fault = subjectFault(commit.slice(commit.indexOf(' ') + 1));
    return fault === undefined ? [] : [`${commit}\n  ${fault}`];
  });
  if (faults.length > 0) throw new CommandError(`subjects of commits:\n${faults.join('\n')}`, 1);
  return commits.length;
}
