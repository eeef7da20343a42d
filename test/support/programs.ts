import { spawnSync } from 'node:child_process';

/** What each program must accept; `curl` has --fail-with-body since 7.76. */
const trials = {
  bash: ['--version'],
  curl: ['--fail-with-body', '--version'],
  jq: ['--version'],
  python3: ['--version'],
  unzip: ['-v'],
} as const;

export type Program = keyof typeof trials;
export const allPrograms = Object.keys(trials) as readonly Program[];

/** Whether this machine has every one of them. */
export const hasPrograms = (names: readonly Program[]): boolean =>
  names.every((name) => spawnSync(name, trials[name], { stdio: 'ignore' }).status === 0);
