// A Python environment with the packages of a requirements file, in a folder of the repository that git ignores.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, repoRoot, run, step } from './run.mjs';

/**
 * Returns the folder of the requirements' programs; installs them if needed.
 *
 * @param {string} name of the environment, under `.umbra/python`
 * @param {string} requirements path of the file
 * @param {readonly string[]} [options] of pip
 * @returns {Promise<string>}
 * @throws {CommandError} if no Python can make an environment
 */
export async function ensurePython(name, requirements, options = []) {
  const folder = join(repoRoot, '.umbra', 'python', name);
  const stamp = join(folder, 'requirements.sha256');
  const wanted = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return join(folder, 'bin');
  step(`installing ${name} into .umbra/python`);
  rmSync(folder, { recursive: true, force: true });
  try {
    await run('python3', ['-m', 'venv', folder], { quiet: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(
      `Expected python3 with venv (Debian: python3-venv), got none that works\n${why}`,
      1,
    );
  }
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  await run(join(folder, 'bin', 'python'), [...pip, ...options, '--requirement', requirements], {
    toStderr: true,
  });
  writeFileSync(stamp, wanted);
  return join(folder, 'bin');
}
