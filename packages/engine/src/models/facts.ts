import type { ModelBundle } from '@umbra/shared/contracts/model';
import { invalidInput } from '@umbra/shared/errors';
import type { DescribedOutput } from '../graph/scores-output.js';

/** Facts read from a model's own files; null where the files do not state them. */
export type ModelFacts = {
  readonly format: ModelBundle['format'];
  /** The file that the runtime opens. */
  readonly model: string;
  /** Every file that it needs, itself included. */
  readonly files: readonly string[];
  readonly layout: ModelBundle['input']['layout'] | null;
  readonly channels: ModelBundle['input']['channels'] | null;
  readonly height: number | null;
  readonly width: number | null;
  /** 1 where the input takes whole numbers, as pixels are. */
  readonly scale: 1 | null;
  readonly outputs: readonly DescribedOutput[];
  /** 1 where a node mixes the images of a batch. */
  readonly batch: 1 | null;
};
/** Reads the facts of one format. @param file The model's file in `folder`. */
export type ReadFacts = (folder: string, file: string) => Promise<ModelFacts>;

/** What the shape of a model's input says. */
export type InputFacts = Pick<ModelFacts, 'layout' | 'channels' | 'height' | 'width'>;

type Layout = ModelBundle['input']['layout'];
const axesOf = { NCHW: { channel: 1, y: 2, x: 3 }, NHWC: { channel: 3, y: 1, x: 2 } } as const;
/** Extents of a channel axis that an image can have; where two axes fit, the first here is taken. */
const channelsBy = new Map([
  [3, 'RGB'],
  [1, 'L'],
] as const);

/**
 * Read an image's layout, channels and extent from the shape that a file declares.
 *
 * @param shape Extents, null for an open one; empty where the file declares none.
 * @param layouts Layouts that the format can have.
 * @throws {AppError} `invalid_input` if no axis can be that of an image's channels.
 */
export function readInputShape(
  shape: readonly (number | null)[],
  layouts: readonly Layout[] = ['NCHW', 'NHWC'],
): InputFacts {
  const unknown: InputFacts = { layout: null, channels: null, height: null, width: null };
  if (shape.length === 0) return unknown;
  for (const [extent, channels] of shape.length === 4 ? channelsBy : []) {
    const layout = layouts.find((one) => shape[axesOf[one].channel] === extent);
    if (layout === undefined) continue;
    const { y, x } = axesOf[layout];
    return { layout, channels, height: shape[y] ?? null, width: shape[x] ?? null };
  }
  const isOpen = layouts.some((one) => shape[axesOf[one].channel] == null);
  if (shape.length === 4 && isOpen) return unknown;
  throw invalidInput(
    `Expected a model of images with 3 channels, or 1 (grey), ${layouts.join(' or ')}, got an input of [${shape.map((extent) => extent ?? '?').join(', ')}]`,
  );
}
