import {
  type OcclusionSettings,
  type OcclusionSettingsInput,
  occlusionSettings,
  settingSchemas,
} from '@umbra/shared/contracts/settings';
import { invalidInput } from '@umbra/shared/errors';
import { describeIssues, flagOf, parseNumber } from './flags.js';

/** Flags of an occlusion run, the same for every command, as the parser gives them. */
export type SettingsFlags = {
  readonly preset?: string;
  readonly patch?: string;
  readonly stride?: string;
  readonly edge?: string;
  readonly fill?: string;
  readonly target?: string;
  readonly score?: string;
  readonly strategy?: string;
  readonly refine?: boolean;
  readonly refineEvery?: string;
  readonly refineShare?: string;
  readonly faithfulness?: boolean;
  readonly faithfulnessSteps?: string;
  readonly allowGaps?: boolean;
};

/** Fields of groups that have flags of their own. */
const detailFlags: ReadonlySet<string> = new Set([
  'refine-every',
  'refine-share',
  'faithfulness-steps',
]);

/**
 * Turn flags into settings; what is not given takes the contract's default.
 *
 * @throws {AppError} `invalid_input` naming each bad flag and what was expected.
 */
export function parseSettings(flags: SettingsFlags): OcclusionSettings {
  const given = {
    preset: flags.preset,
    patch: parsePatch(flags.patch),
    stride: parsePair(flags.stride, 'y', 'x'),
    edge: flags.edge,
    fill: parseFill(flags.fill),
    target: parseTarget(flags.target),
    score: flags.score,
    strategy: flags.strategy,
    refine: parseGroup('refine', flags.refine, {
      every: flags.refineEvery,
      share: flags.refineShare,
    }),
    faithfulness: parseGroup('faithfulness', flags.faithfulness, {
      steps: flags.faithfulnessSteps,
    }),
    allowGaps: flags.allowGaps,
  };
  const parsed = occlusionSettings.safeParse(withoutUndefined(given) as OcclusionSettingsInput);
  if (parsed.success) return parsed.data;
  throw invalidInput(describeIssues(parsed.error.issues, Object.keys(settingSchemas), flagAt));
}

/** The flag that gives a field: a field of a group has its own. */
function flagAt([field = '', detail]: readonly string[]): string {
  const own = `${field}-${detail}`;
  return detailFlags.has(own) ? `--${own}` : flagOf(field);
}

const withoutUndefined = (given: object): object =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));

/** `--refine` alone takes the defaults; a detail of it implies it. */
function parseGroup(
  group: string,
  flag: boolean | undefined,
  details: Readonly<Record<string, string | undefined>>,
): unknown {
  const numbers = Object.entries(details).flatMap(([name, text]) => {
    if (text === undefined) return [];
    const number = parseNumber(text);
    if (!Number.isNaN(number)) return [[name, number] as const];
    throw invalidInput(`--${group}-${name}: Expected a number, got '${text}'`);
  });
  return numbers.length > 0 ? Object.fromEntries(numbers) : flag;
}

function parsePatch(text: string | undefined): unknown {
  const sizes = text?.split(',').map((one) => parsePair(one, 'height', 'width'));
  return sizes?.length === 1 ? sizes[0] : sizes;
}

function parsePair(text: string | undefined, first: string, second: string): unknown {
  const numbers = text?.split('x').map(parseNumber);
  return numbers?.length === 2 ? { [first]: numbers[0], [second]: numbers[1] } : numbers?.[0];
}

/** What `--fill` takes, as its help says. */
const fillForms =
  'NUMBER in normalised units, pixel:NUMBER in [0, 1], mean, dataset-mean, blur:PX or noise:SEED';

function parseFill(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  if (text === 'mean' || text === 'dataset-mean') return { kind: text };
  const [, kind, number] = /^(?:(pixel|normalized|blur|noise):)?(.*)$/s.exec(text) ?? [];
  const value = parseNumber(number);
  if (Number.isNaN(value)) throw invalidInput(`--fill: Expected ${fillForms}, got '${text}'`);
  if (kind === 'blur') return { kind, sigma: value };
  if (kind === 'noise') return { kind, seed: value };
  return { kind: 'constant', value, ...(kind !== undefined && { space: kind }) };
}

function parseTarget(name: string | undefined): unknown {
  if (name === undefined) return undefined;
  if (name === 'predicted' || name === 'label') return { kind: name };
  const [, k] = /^top:(.*)$/.exec(name) ?? [];
  if (k !== undefined) return { kind: 'top', k: parseNumber(k) };
  return { kind: 'class', name };
}
