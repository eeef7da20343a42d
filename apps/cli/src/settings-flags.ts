import {
  invalidInput,
  type OcclusionSettings,
  type OcclusionSettingsInput,
  occlusionSettings,
} from '@umbra/shared';

/** Flags of an occlusion run, the same for every command, in the form of `parseArgs`. */
export const settingsFlags = {
  patch: { type: 'string' },
  stride: { type: 'string' },
  edge: { type: 'string' },
  fill: { type: 'string' },
  target: { type: 'string' },
  score: { type: 'string' },
  'allow-gaps': { type: 'boolean' },
} as const;

export const settingsUsage = `      --patch 32|48x64        patch, px (height x width)           [32]
      --stride 16|8x16        step, px (vertical x horizontal)     [16]
      --edge clip|valid|article                                    [clip]
      --fill NUMBER|pixel:NUMBER   what is written: in normalised units, or grey in [0, 1]   [0]
      --target predicted|INDEX|"CLASS NAME"                        [predicted]
      --score probability|logit                                    [probability]
      --allow-gaps            accept a stride beyond the patch`;

export type SettingsFlags = {
  readonly [name in keyof typeof settingsFlags]?: string | boolean | undefined;
};

/**
 * Turn flags into settings; what is not given takes the contract's default.
 *
 * @throws {AppError} `invalid_input` naming each bad flag and what was expected.
 */
export function parseSettings(flags: SettingsFlags): OcclusionSettings {
  const given = {
    patch: pair(flags.patch, 'height', 'width'),
    stride: pair(flags.stride, 'y', 'x'),
    edge: flags.edge,
    fill: fill(flags.fill),
    target: target(flags.target),
    score: flags.score,
    allowGaps: flags['allow-gaps'],
  };
  const present = Object.fromEntries(Object.entries(given).filter(([, v]) => v !== undefined));
  const parsed = occlusionSettings.safeParse(present as OcclusionSettingsInput);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `--${String(issue.path[0])}: ${issue.message}`,
  );
  throw invalidInput(problems.join('\n'));
}

function pair(text: string | boolean | undefined, first: string, second: string): unknown {
  if (text === undefined) return undefined;
  const numbers = String(text).split('x').map(number);
  return numbers.length === 2 ? { [first]: numbers[0], [second]: numbers[1] } : numbers[0];
}

function fill(text: string | boolean | undefined): unknown {
  if (text === undefined) return undefined;
  const [, space, value] = /^(?:(pixel|normalized):)?(.*)$/.exec(String(text)) ?? [];
  return { kind: 'constant', value: number(value ?? ''), space: space ?? 'normalized' };
}

function target(text: string | boolean | undefined): unknown {
  if (text === undefined) return undefined;
  const name = String(text);
  if (name === 'predicted') return { kind: 'predicted' };
  return /^\d+$/.test(name) ? { kind: 'class', index: Number(name) } : { kind: 'class', name };
}

/** Empty text is not zero: it becomes NaN, which the contract refuses. */
const number = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));
