// Programs that check files for other systems: promtool, and our own ops-check.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aptInstall, canAptInstall } from './apt.mjs';
import { CommandError, findOnPath, isExecutable, repoRoot, run, step } from './run.mjs';

const KEDA = 'github.com/kedacore/keda/v2@v2.18.0';
const KEDA_SUM = 'h1:ttR223fii/4QJ0YvtrhcWHaEoezByb/t5CeFopjl6EI=';
const MIN_GO = /** @type {const} */ ([1, 25]);

/**
 * @param {'promtool' | 'prometheus'} name both come with one package
 * @returns {Promise<string>} the program's path
 */
export async function ensurePrometheus(name) {
  const found = findOnPath(name);
  if (found) return found;
  if (canAptInstall()) await aptInstall('prometheus');
  const installed = findOnPath(name);
  if (installed) return installed;
  throw new CommandError(
    `${name} was not found. Install Prometheus:
  macOS          brew install prometheus
  Debian/Ubuntu  sudo apt-get install prometheus`,
    1,
  );
}

/** @returns {Promise<string>} the path of ops-check, built when its sources have changed */
export async function ensureOpsCheck() {
  const sources = join(repoRoot, 'ops', 'check');
  const digest = createHash('sha256');
  for (const name of readdirSync(sources).sort()) digest.update(readFileSync(join(sources, name)));
  const folder = join(repoRoot, '.cache', 'bin');
  const binary = join(folder, `ops-check-${digest.digest('hex').slice(0, 16)}`);
  if (isExecutable(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  step('building ops-check with Go, once (a minute or two)');
  await run(findGo(), ['build', '-o', binary, '.'], { cwd: sources, quiet: true });
  return binary;
}

/** @returns {string} the path of KEDA's released definition of a ScaledObject */
export function fetchKedaDefinition() {
  const options = /** @type {const} */ ({ cwd: join(repoRoot, 'ops', 'check'), encoding: 'utf8' });
  const { Dir, Sum } = JSON.parse(
    execFileSync(findGo(), ['mod', 'download', '-json', KEDA], options),
  );
  if (Sum !== KEDA_SUM)
    throw new CommandError(`Expected ${KEDA} to have ${KEDA_SUM}, got ${Sum}`, 1);
  return join(Dir, 'config', 'crd', 'bases', 'keda.sh_scaledobjects.yaml');
}

/** @returns {string} */
function findGo() {
  const go = findOnPath('go');
  const wanted = `Go ${MIN_GO.join('.')} or newer is needed to check manifests`;
  if (!go) throw new CommandError(`${wanted}: https://go.dev/doc/install`, 1);
  const version = execFileSync(go, ['env', 'GOVERSION'], { encoding: 'utf8' }).trim();
  const [major = 0, minor = 0] = version.replace(/^go/, '').split('.').map(Number);
  if (major > MIN_GO[0] || (major === MIN_GO[0] && minor >= MIN_GO[1])) return go;
  throw new CommandError(`${wanted}, this is ${version} (${go})`, 1);
}
