import { boxElsewhere, coverBox, type ModelInput, type OpenModel, pasteBox } from '@umbra/engine';
import { summariseArm, summariseEffect, type TrialPair } from '@umbra/report';
import { mapInOrder } from '@umbra/shared/concurrency';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { Trial } from '@umbra/shared/contracts/trial';
import { invalidInput } from '@umbra/shared/errors';
import type { Box } from '@umbra/shared/occlusion/grid';
import { createRandom } from '@umbra/shared/random';
import type { TrialImage, TrialImages } from './choose-images.js';
import { drawControl, drawSource } from './draw-content.js';

export type ArmOptions = {
  /** Prepare an image; null where its photo cannot be read any more. */
  readonly open: (image: string) => Promise<ModelInput | null>;
  /** What covers a box. */
  readonly fill: OcclusionSettings['fill'];
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Told of each image that was run, or left out. */
  readonly advance: () => Promise<void>;
};

/** An image unchanged, with something done to it, and with as much done to it that the class has no part in. */
type Altered = readonly [unchanged: ModelInput, own: ModelInput, control: ModelInput];
type ArmPairs = { readonly own: TrialPair[]; readonly control: TrialPair[] };

/** Photos that are read and prepared ahead of the model. */
const imagesAhead = 4;

/**
 * Run every arm of a trial: cover a box in images of the class, beside one at a random place, and paste its content onto
 * images of others, beside what another one of them has at that place. Images whose photos cannot be read are left out,
 * and those that no content fits.
 *
 * @throws {AppError} `invalid_input` where no image of the class is left, or has room for the control.
 */
export async function runArms(
  model: OpenModel,
  { class: { index: classIndex }, covered, sources, others }: TrialImages,
  options: ArmOptions,
): Promise<NonNullable<Trial['result']>> {
  const { open, fill, seed } = options;
  const random = createRandom(seed);
  const cover = async (image: TrialImage): Promise<Altered | null> => {
    const elsewhere = boxElsewhere(image.input, image.box, random);
    const input = elsewhere && (await open(image.id));
    if (elsewhere === null || input === null) return null;
    const covering = (box: Box) => coverBox(input, box, fill, model.bundle);
    return [input, covering(image.box), covering(elsewhere)];
  };
  const paste = async (target: TrialImage): Promise<Altered | null> => {
    const source = drawSource(target, { from: sources, random });
    const control = source && drawControl({ source, target }, { from: others, random });
    if (source === null || control === null) return null;
    const { box } = source;
    const [input, own, other] = await Promise.all(
      [target, source, control].map(({ id }) => open(id)),
    );
    if (input == null || own == null || other == null) return null;
    const pasting = (image: ModelInput) => pasteBox(input, box, { image, box }, model.bundle);
    return [input, pasting(own), pasting(other)];
  };
  const covers = await runArm(model, covered, cover, options);
  if (covers.own.length === 0) {
    throw invalidInput(
      `Expected an image of the class that can be read, with room beside the covered box for one of its size, got none of ${covered.length}`,
    );
  }
  const pastes = await runArm(model, sources.length > 0 ? others : [], paste, options);
  const summarise = (pairs: readonly TrialPair[]) => summariseArm(pairs, { classIndex });
  const hasPastes = pastes.own.length > 0;
  return {
    cover: summarise(covers.own),
    coverElsewhere: summarise(covers.control),
    paste: hasPastes ? summarise(pastes.own) : null,
    pasteOther: hasPastes ? summarise(pastes.control) : null,
    coverEffect: summariseEffect(covers, { classIndex }),
    pasteEffect: hasPastes ? summariseEffect(pastes, { classIndex }) : null,
  };
}

/** @param alter Begun in the order of the images, so that its draws are the same each time. */
async function runArm(
  model: OpenModel,
  images: readonly TrialImage[],
  alter: (image: TrialImage) => Promise<Altered | null>,
  { signal, advance }: ArmOptions,
): Promise<ArmPairs> {
  const running: TrialImage[] = [];
  async function* inputs(): AsyncGenerator<ModelInput> {
    const altered = mapInOrder(images, { atOnce: imagesAhead }, async (image) => ({
      image,
      inputs: await alter(image),
    }));
    for await (const { image, inputs } of altered) {
      if (inputs === null) {
        await advance();
        continue;
      }
      running.push(image);
      yield* inputs;
    }
  }
  const pairs: ArmPairs = { own: [], control: [] };
  let said: number[] = [];
  for await (const { predicted } of model.classify(inputs(), { signal })) {
    said.push(predicted);
    const [before, own, control] = said;
    if (before === undefined || own === undefined || control === undefined) continue;
    const expected = running.shift()?.labelIndex ?? null;
    pairs.own.push({ expected, before, after: own });
    pairs.control.push({ expected, before, after: control });
    said = [];
    await advance();
  }
  return pairs;
}
