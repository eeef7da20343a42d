// Makes the fixture of this folder: a store as an older version left it when it was killed at work,
// what Redis held at that moment, and what each job must come to.
//
//     git worktree add /tmp/before COMMIT && cd /tmp/before && npm ci && npx tsc -b
//     node make.mjs /tmp/before OUT
//
// Writes OUT/store-v0/, OUT/store.tar.gz, OUT/redis-dump.json and OUT/expected.json, in a minute. Ids,
// keys and times differ from run to run; the numbers do not. It knows that version's modules, folders
// and queues, and is of no use for a later one.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { tenant } from './make/accounts.mjs';
import { openCheckout, startInstallation } from './make/checkout.mjs';
import { packFiles, packFolder } from './make/pack.mjs';
import { readArchives, readResults } from './make/results.mjs';
import { runKilled } from './make/run-killed.mjs';
import { runUndisturbed } from './make/run-undisturbed.mjs';
import { drawPhoto, writeOnnxModel, writeTfjsModel } from './make/whole-numbers.mjs';

const [root, out] = process.argv.slice(2).map((path) => resolve(path));
if (root === undefined || out === undefined) throw new Error('Expected a checkout and a folder');
const checkout = await openCheckout(root);
const { shared, testing, sharp, tar } = checkout;
const folder = mkdtempSync(join(tmpdir(), 'umbra-fixture-'));

async function begin(/** @type {string} */ name, more = {}) {
  const dir = join(folder, name);
  await writeOnnxModel(testing, join(dir, 'models'));
  await writeTfjsModel(testing, join(dir, 'models'));
  return startInstallation(checkout, dir, more);
}

const photos = await Promise.all(Array.from({ length: 8 }, (_, index) => drawPhoto(sharp, index)));
const archive = await packFiles(tar, photos.slice(6));
const withoutKeys = await begin('undisturbed', { UMBRA_AUTH: 'none' });
const undisturbed = await runUndisturbed(shared, withoutKeys, photos);
const installation = await begin('killed');
const { made, states, dump, facts } = await runKilled(shared, installation, photos, archive);

/** What there is of a job that had ended, and what another must come to. */
async function describeJob(/** @type {string} */ name) {
  const id = made[name] ?? '';
  const hasEnded = name === 'completed' || name === 'partly';
  const archives = await readArchives(shared, installation.store, tenant, id);
  return {
    ...{ id, stateWhenKilled: states[name], ...(hasEnded && { archives }) },
    images: hasEnded
      ? await readResults(shared, installation.store, tenant, id)
      : (undisturbed[name] ?? {}),
  };
}

const git = (/** @type {string[]} */ ...args) =>
  execFileSync('git', args, { cwd: root }).toString().trim();
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const writtenBy = {
  ...{ version, commit: git('rev-parse', 'HEAD'), date: git('log', '-1', '--format=%cI') },
};
const jobs = Object.fromEntries(
  await Promise.all(Object.keys(made).map(async (name) => [name, await describeJob(name)])),
);
const expected = { writtenBy, ...facts, jobs };
const target = join(out, 'store-v0');
rmSync(target, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
cpSync(installation.storeDir, target, { recursive: true });
for (const scratch of ['.tmp', '.health'])
  rmSync(join(target, scratch), { recursive: true, force: true });
writeFileSync(join(out, 'store.tar.gz'), await packFolder(tar, target));
// A stack trace names the checkout.
writeFileSync(join(out, 'redis-dump.json'), dump.replaceAll(root, '/app'));
writeFileSync(join(out, 'expected.json'), `${JSON.stringify(expected, null, 1)}\n`);
rmSync(folder, { recursive: true, force: true });
