import { basename } from 'node:path';
import { findLayer, renderActivations, useNetwork } from '@umbra/engine';
import { tiling } from '@umbra/shared/contracts/layer';
import { outputFile, required } from '../lib/flags.js';
import { openPhoto, parseView, writePage } from '../lib/view.js';

export type ActivationsOptions = {
  readonly model: string;
  readonly layer?: string;
  readonly out?: string;
  readonly cell?: string;
  readonly page?: string;
};

/** Draw a layer's feature maps for one photo. */
export async function activations(path: string, options: ActivationsOptions): Promise<void> {
  const { cell, page } = options;
  const out = outputFile(options.out, ['.png']);
  const view = parseView(tiling, { cell, page });
  const layer = required(options.layer, '--layer LAYER');
  const { folder, bundle, image } = await openPhoto(path, options.model);
  await useNetwork(folder, bundle, image, async (network) => {
    const { node } = findLayer(network.graph, layer);
    const upTo = await network.upTo(node);
    try {
      const maps = await upTo.run(image.tensor);
      const names = { name: node.name, photo: basename(path) };
      return await writePage(out, await renderActivations(maps, names, view));
    } finally {
      await upTo.close();
    }
  });
}
