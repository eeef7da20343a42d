// `npm run check:supply`: licences, advisories, pinned images and the bill of materials of what runs in production.
// Where the registry answers no audit, it says so; `--require-audit` makes that a failure.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError, repoRoot, run, runMain, step } from './lib/run.mjs';
import {
  checkLicences,
  floatingReason,
  judgeAudit,
  listImages,
  listRuntimePackages,
} from './lib/supply.mjs';

const policy = JSON.parse(readFileSync(join(repoRoot, 'scripts/supply-policy.json'), 'utf8'));

await runMain(async () => {
  const packages = listRuntimePackages(repoRoot);
  report(`licences of ${packages.length} packages`, checkLicences(packages, policy.licences));
  const images = listImages(readManifests());
  const floating = images.flatMap(({ path, reference }) => {
    const reason = floatingReason(reference);
    return reason === null ? [] : [`${path}: ${reason}`];
  });
  report(`${images.length} references of images`, floating);
  const folder = mkdtempSync(join(tmpdir(), 'umbra-supply-'));
  try {
    await run(process.execPath, ['scripts/sbom.mjs', join(folder, 'sbom.cdx.json')]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const isAudited = audit(packages);
  step(isAudited ? 'supply chain: ok' : 'supply chain: ok, but NOT audited');
  return 0;
});

/**
 * @param {string} what
 * @param {readonly string[]} problems
 */
function report(what, problems) {
  if (problems.length > 0) throw new CommandError(problems.join('\n'), 1);
  step(`${what}: ok`);
}

function readManifests() {
  const names = readdirSync(repoRoot).filter((name) =>
    /Dockerfile$|^docker-compose.*\.ya?ml$/.test(name),
  );
  const paths = ['k8s', 'ops'].flatMap((folder) =>
    readdirSync(join(repoRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.ya?ml$/.test(name))
      .map((name) => join(folder, name)),
  );
  return Object.fromEntries(
    [...names, ...paths].map((path) => [path, readFileSync(join(repoRoot, path), 'utf8')]),
  );
}

/**
 * @param {ReturnType<typeof listRuntimePackages>} packages
 * @returns {boolean} whether the registry answered
 */
function audit(packages) {
  const { stdout } = spawnSync('npm', ['audit', '--json'], { cwd: repoRoot, encoding: 'utf8' });
  const answer = stdout.trim() === '' ? undefined : JSON.parse(stdout);
  const judged = judgeAudit(answer, { packages, allowed: policy.advisories, now: new Date() });
  if ('refused' in judged) {
    report(`audit of ${packages.length} packages`, judged.refused);
    return true;
  }
  const words = `NOT AUDITED: the registry answers no audit (${judged.unanswered})`;
  if (process.argv.includes('--require-audit')) throw new CommandError(words, 1);
  step(words);
  return false;
}
