import type { OutputKind } from '@umbra/shared/contracts/model';
import { type AppError, invalidInput } from '@umbra/shared/errors';

/** An output that a model's file declares. */
export type DeclaredOutput = {
  readonly name: string;
  /** Extents, null for an open one; null where the file states no shape. */
  readonly shape: readonly (number | null)[] | null;
};

/** An output, and the kind of its numbers as far as its last operation or its width states it. */
export type DescribedOutput = DeclaredOutput & { readonly kind: OutputKind | null };

/**
 * Choose the output that holds a model's scores: the one named, or the only one that can.
 *
 * @param model The model's name, for the message.
 * @throws {AppError} `invalid_input` listing the outputs, if none has that name, or none is named and
 *   not exactly one of several can hold scores.
 */
export function chooseOutput<T extends DeclaredOutput>(
  outputs: readonly T[],
  model: string,
  name?: string,
): T {
  if (name !== undefined) {
    const named = outputs.find((output) => output.name === name);
    if (named !== undefined) return named;
    throw bad(
      model,
      `to have the output that output.name (--output-name) gives, got '${name}'`,
      outputs,
    );
  }
  const candidates = scoresOutputs(outputs);
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0) return only;
  throw bad(
    model,
    `to name the output of its scores, output.name (--output-name), got ${candidates.length} that can be it`,
    outputs,
  );
}

/** List the outputs that can hold scores; a single one is taken at its word. */
export const scoresOutputs = <T extends DeclaredOutput>(outputs: readonly T[]): readonly T[] =>
  outputs.length === 1 ? outputs : outputs.filter(({ shape }) => shape === null || isRow(shape));

/** Whether a tensor is a row of scores an image: [N], or [N, classes] with any extents of 1 beside. */
export const isRow = (shape: readonly (number | null)[]): boolean =>
  shape.length > 0 && shape.slice(1).filter((extent) => extent !== 1).length <= 1;

/** Numbers that an output gives for an image; null where that is open. */
export function widthOf({ shape }: DeclaredOutput): number | null {
  if (shape === null) return null;
  return shape
    .slice(1)
    .reduce<number | null>(
      (width, extent) => (width === null || extent === null ? null : width * extent),
      1,
    );
}

/** Name and shape of outputs, as people are asked to choose among them. */
export const listOutputs = (outputs: readonly DeclaredOutput[]): string =>
  outputs.map(({ name, shape }) => `${name} ${formatShape(shape)}`).join(', ');

const formatShape = (shape: DeclaredOutput['shape']): string =>
  shape === null
    ? '(shape not stated)'
    : `[${shape.map((extent, axis) => extent ?? (axis === 0 ? 'N' : '?')).join(', ')}]`;

const bad = (model: string, problem: string, outputs: readonly DeclaredOutput[]): AppError =>
  invalidInput(`Expected model '${model}' ${problem}; it has ${listOutputs(outputs) || 'none'}`);
