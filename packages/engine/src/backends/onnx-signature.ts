import { at } from '@umbra/shared/assert';
import { channelCount, type ModelBundle } from '@umbra/shared/contracts/model';
import { type AppError, invalidInput } from '@umbra/shared/errors';
import type { InferenceSession } from 'onnxruntime-node';
import { chooseOutput, type DeclaredOutput, listOutputs, widthOf } from '../graph/scores-output.js';
import { type ElementTypeName, isElementType, wholeRange } from './element-types.js';

/** Names of a session's input and output, and its batch size. */
export type Signature = {
  readonly input: string;
  /** Type of the numbers that the input takes. */
  readonly inputType: ElementTypeName;
  readonly output: string;
  /** Images in every call, where the file fixes their number; null where it is open. */
  readonly batch: number | null;
};

/** Extents as a session declares them: a number, or the name of one that is open. */
type DeclaredShape = readonly (number | string)[];

/**
 * Compare a session's declared input and output with the bundle's description.
 *
 * @throws {AppError} `invalid_input` unless there is one input, an image of the bundle's layout and
 *   extent in numbers, and an output of numbers for at least one class.
 */
export function readSignature(
  { inputMetadata, outputMetadata }: Pick<InferenceSession, 'inputMetadata' | 'outputMetadata'>,
  bundle: ModelBundle,
): Signature {
  const [input, ...others] = inputMetadata;
  if (input === undefined || others.length > 0) {
    const names = inputMetadata.map(({ name }) => name);
    throw bad(bundle, `to have one input, the image, got ${names.length}: ${names.join(', ')}`);
  }
  const output = chooseOutput(outputMetadata.map(describeOutput), bundle.name, bundle.output.name);
  const { name } = input;
  const shape: DeclaredShape = input.isTensor ? input.shape : [];
  if (!input.isTensor || !isElementType(input.type) || shape.length !== 4) {
    const got = input.isTensor ? `${input.type} [${shape.join(', ')}]` : 'no tensor';
    throw bad(bundle, `to take an image as input '${name}', ${wanted(bundle)}, got ${got}`);
  }
  assertExtents(name, shape, bundle);
  assertLevels(input.type, bundle);
  assertNumbers(
    outputMetadata.find((one) => one.name === output.name),
    bundle,
  );
  if (widthOf(output) === 0) {
    throw bad(bundle, `to give at least one class, got ${listOutputs([output])}`);
  }
  const [batch] = shape;
  return {
    input: name,
    inputType: input.type,
    output: output.name,
    batch: typeof batch === 'number' ? batch : null,
  };
}

/** Levels between a black and a white pixel, at least, of an input of whole numbers. */
const minLevels = 16;

/**
 * Require that whole numbers leave a picture: a scale of 1/255 leaves black and white, and what lies
 * beyond the type's range becomes its end.
 */
function assertLevels(type: ElementTypeName, bundle: ModelBundle): void {
  const range = wholeRange(type);
  if (range === null) return;
  const { scale, mean, std } = bundle.input;
  const levels = (255 * scale) / Math.max(...std);
  const [min, max] = range;
  const hint =
    max < 255
      ? `set input.scale, input.mean and input.std to what it was made for, such as 1, ${-min} and 1 (--scale 1 --mean ${mean.map(() => -min).join()})`
      : 'set input.scale to 1 and input.mean to 0 (--scale 1)';
  const expected = `to take pixels as ${type}, whole numbers`;
  if (levels < minLevels) {
    throw bad(
      bundle,
      `${expected}, by a scale that leaves at least ${minLevels} levels, got ${levels.toPrecision(2)}: ${hint}`,
    );
  }
  for (const [channel, offset] of mean.entries()) {
    const ends = [0, 255].map((pixel) => (pixel * scale - offset) / at(std, channel));
    if (ends.every((end) => end >= min - 0.5 && end <= max + 0.5)) continue;
    const got = ends.map((end) => Number(end.toPrecision(4))).join(' to ');
    throw bad(
      bundle,
      `${expected} from ${min} to ${max}, got ${got} for black to white in channel ${channel}: ${hint}`,
    );
  }
}

function assertNumbers(output: InferenceSession.ValueMetadata | undefined, bundle: ModelBundle) {
  if (output?.isTensor && isElementType(output.type)) return;
  const got = output?.isTensor
    ? `${output.type} [${output.shape.join(', ')}]`
    : 'a sequence or map';
  throw bad(bundle, `to give scores, a tensor of numbers, as output '${output?.name}', got ${got}`);
}

const describeOutput = (metadata: InferenceSession.ValueMetadata): DeclaredOutput => ({
  name: metadata.name,
  shape: metadata.isTensor
    ? metadata.shape.map((extent) => (typeof extent === 'number' ? extent : null))
    : null,
});

function assertExtents(name: string, shape: DeclaredShape, bundle: ModelBundle): void {
  const { layout, height, width, resize } = bundle.input;
  const [channelAxis, yAxis, xAxis] = layout === 'NCHW' ? [1, 2, 3] : [3, 1, 2];
  const count = channelCount(bundle.input);
  const channels = shape[channelAxis];
  const declared = `[${shape.join(', ')}]`;
  const swapped = channels !== count && shape[channelAxis === 1 ? 3 : 1] === count;
  if (swapped || (typeof channels === 'number' && channels !== count)) {
    const hint = swapped ? `: its layout is ${layout === 'NCHW' ? 'NHWC' : 'NCHW'}` : '';
    throw bad(
      bundle,
      `to take an image as input '${name}', ${wanted(bundle)}, got ${declared}${hint}`,
    );
  }
  const [y, x] = [shape[yAxis], shape[xAxis]];
  const fits = (extent: number | string | undefined, px: number) =>
    typeof extent !== 'number' || extent === px;
  if (!fits(y, height) || !fits(x, width)) {
    throw bad(
      bundle,
      `to take the input of its description, ${height} x ${width} px (height x width), got ${declared}: set input.height and input.width to ${y} and ${x}`,
    );
  }
  if (resize.rule === 'fit' && (typeof y === 'number' || typeof x === 'number')) {
    throw bad(bundle, `to take inputs of any extent, as resize rule 'fit' gives, got ${declared}`);
  }
}

const wanted = ({ input }: ModelBundle): string => {
  const channels = channelCount(input);
  const extents = ['height', 'width'];
  return `[N, ${(input.layout === 'NCHW' ? [channels, ...extents] : [...extents, channels]).join(', ')}]`;
};

const bad = ({ name }: ModelBundle, problem: string): AppError =>
  invalidInput(`Expected model '${name}' ${problem}`);
