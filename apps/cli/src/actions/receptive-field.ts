import { findLayer, findUnit, renderReceptiveField, useNetwork } from '@umbra/engine';
import { outputFile, required } from '../lib/flags.js';
import { writeOutput } from '../lib/output.js';
import { openPhoto } from '../lib/view.js';

export type ReceptiveFieldOptions = {
  readonly model: string;
  readonly layer?: string;
  readonly unit?: string;
  readonly out?: string;
};

/** Draw what a unit sees of a photo. */
export async function receptiveField(path: string, options: ReceptiveFieldOptions): Promise<void> {
  const out = outputFile(options.out, ['.png']);
  const selector = required(options.layer, '--layer LAYER');
  const { folder, bundle, photo, image } = await openPhoto(path, options.model);
  const { layer } = await useNetwork(folder, bundle, image, async ({ graph }) =>
    findLayer(graph, selector),
  );
  const unit = findUnit(layer, options.unit);
  await writeOutput(out, await renderReceptiveField(photo, image.frame, layer, unit));
}
