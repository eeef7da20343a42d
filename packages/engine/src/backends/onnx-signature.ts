import { channelCount, type ModelBundle } from '@umbra/shared/contracts/model';
import { type AppError, invalidInput } from '@umbra/shared/errors';
import type { InferenceSession } from 'onnxruntime-node';
import { chooseOutput, type DeclaredOutput, listOutputs, widthOf } from '../graph/scores-output.js';
import { type ElementTypeName, isElementType, isWholeType } from './element-types.js';

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

/** Require that rounding to whole numbers leaves a picture: a scale of 1/255 leaves black and white. */
function assertLevels(type: ElementTypeName, bundle: ModelBundle): void {
  const { scale, std } = bundle.input;
  const levels = (255 * scale) / Math.max(...std);
  if (!isWholeType(type) || levels >= minLevels) return;
  throw bad(
    bundle,
    `to take pixels as ${type}, whole numbers, by a scale that leaves at least ${minLevels} levels, got ${levels.toPrecision(2)}: set input.scale to 1 (--scale 1)`,
  );
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
