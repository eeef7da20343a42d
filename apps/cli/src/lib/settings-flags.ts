import {
  type OcclusionSettings,
  type OcclusionSettingsInput,
  occlusionSettings,
} from '@umbra/shared/contracts/settings';
import { invalidInput } from '@umbra/shared/errors';

/** Flags of an occlusion run, the same for every command, in the form of `parseArgs`. */
export const settingsFlags = {
  preset: { type: 'string' },
  patch: { type: 'string' },
  stride: { type: 'string' },
  edge: { type: 'string' },
  fill: { type: 'string' },
  target: { type: 'string' },
  score: { type: 'string' },
  strategy: { type: 'string' },
  refine: { type: 'boolean' },
  'refine-every': { type: 'string' },
  'refine-share': { type: 'string' },
  faithfulness: { type: 'boolean' },
  'faithfulness-steps': { type: 'string' },
  'allow-gaps': { type: 'boolean' },
} as const;

export const settingsUsage = `      --preset article        the founding article's run: edge, fill and score
      --patch 32|48x64|32,16  patch, px (height x width); several: one map each, and their mean  [32]
      --stride 16|8x16        step, px (vertical x horizontal)     [16]
      --edge clip|valid|article                                    [clip]
      --fill NUMBER|pixel:NUMBER|mean|dataset-mean|blur:PX|noise:SEED
                              what is written; a number is in normalised units, pixel in [0, 1]  [0]
      --target predicted|top:K|label|INDEX|"CLASS NAME"            [predicted]
      --score probability|logit|log-odds                           [probability]
      --strategy auto|dense|incremental                            [auto]
      --refine                approximate: a coarse lattice, then the positions where scores vary
      --refine-every N, --refine-share SHARE   one position in N first, SHARE of all at most  [5, 0.25]
      --faithfulness          also measure deletion and insertion
      --faithfulness-steps N                                       [50]
      --allow-gaps            accept a stride beyond the patch`;

type Flag = string | boolean | undefined;
export type SettingsFlags = { readonly [name in keyof typeof settingsFlags]?: Flag };

/**
 * Turn flags into settings; what is not given takes the contract's default.
 *
 * @throws {AppError} `invalid_input` naming each bad flag and what was expected.
 */
export function parseSettings(flags: SettingsFlags): OcclusionSettings {
  const given = {
    preset: flags.preset,
    patch: patch(flags.patch),
    stride: pair(flags.stride, 'y', 'x'),
    edge: flags.edge,
    fill: fill(flags.fill),
    target: target(flags.target),
    score: flags.score,
    strategy: flags.strategy,
    refine: group(flags.refine, { every: flags['refine-every'], share: flags['refine-share'] }),
    faithfulness: group(flags.faithfulness, { steps: flags['faithfulness-steps'] }),
    allowGaps: flags['allow-gaps'],
  };
  const parsed = occlusionSettings.safeParse(present(given) as OcclusionSettingsInput);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `--${flagOf(issue.path.map(String))}: ${issue.message}`,
  );
  throw invalidInput(problems.join('\n'));
}

/** The flag that gives a field: a field of a group has its own. */
function flagOf([first = '', second = '']: readonly string[]): string {
  const own = `${first}-${second}`;
  if (own in settingsFlags) return own;
  const flag = first.replace('allowGaps', 'allow-gaps');
  return first === 'fill' && second !== '' ? `${flag}.${second}` : flag;
}

const present = (given: object): object =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));

/** `--refine` alone takes the defaults; a detail of it implies it. */
function group(flag: Flag, details: Readonly<Record<string, Flag>>): unknown {
  const numbers = Object.entries(present(details)).map(([name, text]) => [
    name,
    number(String(text)),
  ]);
  return numbers.length > 0 ? Object.fromEntries(numbers) : flag;
}

function patch(text: Flag): unknown {
  if (text === undefined) return undefined;
  const sizes = String(text)
    .split(',')
    .map((one) => pair(one, 'height', 'width'));
  return sizes.length === 1 ? sizes[0] : sizes;
}

function pair(text: Flag, first: string, second: string): unknown {
  if (text === undefined) return undefined;
  const numbers = String(text).split('x').map(number);
  return numbers.length === 2 ? { [first]: numbers[0], [second]: numbers[1] } : numbers[0];
}

function fill(text: Flag): unknown {
  if (text === undefined) return undefined;
  const [kind = '', value] = String(text).split(':');
  if (value === undefined && (kind === 'mean' || kind === 'dataset-mean')) return { kind };
  if (kind === 'blur') return { kind, sigma: number(value ?? '') };
  if (kind === 'noise') return { kind, seed: number(value ?? '') };
  return value === undefined
    ? { kind: 'constant', value: number(kind) }
    : { kind: 'constant', value: number(value), space: kind };
}

function target(text: Flag): unknown {
  if (text === undefined) return undefined;
  const name = String(text);
  if (name === 'predicted' || name === 'label') return { kind: name };
  const [, k] = /^top:(.*)$/.exec(name) ?? [];
  if (k !== undefined) return { kind: 'top', k: number(k) };
  return /^\d+$/.test(name) ? { kind: 'class', index: Number(name) } : { kind: 'class', name };
}

/** Empty text is not zero: it becomes NaN, which the contract refuses. */
const number = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));
