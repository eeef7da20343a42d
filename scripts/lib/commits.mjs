// Subjects of commits: `type(scope): what` or `type: what`, short enough for one line of a log.
import { spawnSync } from 'node:child_process';
import { CommandError, repoRoot, step } from './run.mjs';

/** The last commit before the rule. */
const BASE = '194ce8fb3530886f1ec091949bad9c917fda3ca5';
const MAX_LENGTH = 72;
const FORM = /^[a-z]+(\([^\s()]+\))?!?: \S/;

/**
 * @param {string} subject
 * @returns {string | undefined} the fault of the subject, if it has one
 */
export function subjectFault(subject) {
  const length = [...subject].length;
  if (length > MAX_LENGTH) return `has ${length} characters, expected at most ${MAX_LENGTH}`;
  return FORM.test(subject) ? undefined : "expected 'type(scope): what' or 'type: what'";
}

/**
 * Checks the subjects of all commits after the base. Merges are exempt: git names them.
 *
 * @param {string} [folder] folder of the checkout
 * @param {string} [base] last commit that is not checked
 * @returns {Promise<number>} the number of checked subjects; 0 for a checkout that does not reach back to the base
 * @throws {CommandError} with each invalid subject
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
