// Debian's packages, where they can be installed without a prompt: as root, which in practice means in a container.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { findOnPath, run, step } from './run.mjs';

/** @returns {boolean} */
export function canAptInstall() {
  return (
    process.platform === 'linux' && process.getuid?.() === 0 && findOnPath('apt-get') !== undefined
  );
}

/**
 * Installs a package for its programs alone: its services are not started.
 *
 * @param {string} name
 */
export async function aptInstall(name) {
  step(`installing ${name} (apt-get)`);
  // A policy with exit status 101 forbids Debian to start services. An existing policy is kept.
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, quiet: true };
  try {
    await run('apt-get', ['update'], options);
    await run('apt-get', ['install', '-y', '--no-install-recommends', name], options);
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}
