import { type ModelBundle, type OutputKind, outputKind } from '@umbra/shared/contracts/model';
import { invalidInput } from '@umbra/shared/errors';
import { chooseOutput, listOutputs, scoresOutputs, widthOf } from '../graph/scores-output.js';
import type { ModelFacts } from './facts.js';

/** A user's statements about a model's output. */
export type OutputClaims = {
  /** Kind of its numbers. */
  readonly output?: string | undefined;
  /** Name of the output that holds the scores, where the file has several. */
  readonly outputName?: string | undefined;
  /** The class that a single score speaks for, and its opposite. */
  readonly positive?: string | undefined;
  readonly negative?: string | undefined;
  /** Probability from which on an independent class is present. */
  readonly threshold?: number | undefined;
};

/** A bundle's `output` and class names; lines of `missing` ask for what nothing states. */
type OutputDescription = {
  readonly output: ModelBundle['output'] | OutputKind | undefined;
  /** Class names for a file of labels; null where there is none to be. */
  readonly labels: readonly string[] | null;
  readonly missing: readonly string[];
};

/**
 * Describe a model's output from its file and the user's claims. What neither states is asked for and
 * never guessed: scores of several classes are a softmax's or sigmoids', and the file cannot say which.
 *
 * @param names Class names in the order of the output, if there are some.
 * @throws {AppError} `invalid_input` if a claim contradicts the file.
 */
export function describeOutput(
  { outputs, model }: Pick<ModelFacts, 'outputs' | 'model'>,
  claims: OutputClaims,
  names: readonly string[] | null,
): OutputDescription {
  const { outputName, threshold } = claims;
  const candidates = scoresOutputs(outputs);
  if (outputName === undefined && candidates.length !== 1) {
    const missing = [
      `  --output-name NAME: which of its outputs holds the scores: ${listOutputs(candidates.length > 0 ? candidates : outputs)}`,
    ];
    return { output: undefined, labels: names, missing };
  }
  const chosen = chooseOutput(outputs, model, outputName);
  const kind = kindOf(claims.output, chosen.kind, model);
  const isSingle = widthOf(chosen) === 1;
  const pair = isSingle ? pairOf(claims, names) : claims;
  const missing = [
    ...(kind === undefined ? [wantedKind] : []),
    ...(isSingle && pair.positive === undefined ? [wantedPositive] : []),
  ];
  const { positive, negative } = pair;
  const parts = {
    ...(outputs.length > 1 && { name: chosen.name }),
    ...(positive !== undefined && { positive }),
    ...(negative !== undefined && { negative }),
    ...(threshold !== undefined && { threshold }),
  };
  const isPlain = kind === undefined || Object.keys(parts).length === 0;
  return {
    output: isPlain ? kind : { kind, ...parts },
    labels: positive === undefined ? names : null,
    missing,
  };
}

const wantedKind =
  "  --output logits|probabilities|independent-logits|independent-probabilities: what its scores are; logits go through a softmax, since one class excludes the others (as ImageNet's), independent ones through a sigmoid each";
const wantedPositive =
  '  --positive NAME, and --negative NAME if it has one: the class that its single score speaks for, and the opposite';

/** @throws {AppError} `invalid_input` if the claim is no kind, or the file states another. */
function kindOf(
  claimed: string | undefined,
  stated: OutputKind | null,
  model: string,
): OutputKind | undefined {
  if (claimed === undefined) return stated ?? undefined;
  const { data: kind } = outputKind.safeParse(claimed);
  if (kind === undefined) {
    throw invalidInput(
      `Expected --output to be ${outputKind.options.join(', ')}, got '${claimed}'`,
    );
  }
  if (stated === null || stated === kind) return kind;
  throw invalidInput(
    `Expected --output ${stated}, as the last operation of '${model}' states, got '${kind}'`,
  );
}

/** Names of a single score's classes: as claimed, or from a list of the one or of both. */
function pairOf(
  { positive, negative }: OutputClaims,
  names: readonly string[] | null,
): Pick<OutputClaims, 'positive' | 'negative'> {
  if (positive !== undefined || names === null) return { positive, negative };
  if (names.length > 2) {
    throw invalidInput(
      `Expected 2 class names, the opposite's and the one that its single score speaks for, got ${names.length}`,
    );
  }
  return names.length === 2
    ? { negative: names[0], positive: names[1] }
    : { positive: names[0], negative };
}
