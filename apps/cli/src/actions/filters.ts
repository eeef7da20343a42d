import { Readable } from 'node:stream';
import { encodeKernels, findLayer, readBundle, renderFilters, useNetwork } from '@umbra/engine';
import { filterView } from '@umbra/shared/contracts/layer';
import { findModel } from '../lib/find-model.js';
import { outputFile, required } from '../lib/flags.js';
import { writeOutput } from '../lib/output.js';
import { parseView, writePage } from '../lib/view.js';

export type FiltersOptions = {
  readonly layer?: string;
  readonly out?: string;
  readonly mode?: string;
  readonly scale?: string;
  readonly cell?: string;
  readonly page?: string;
};

/** Draw or save a convolution's weights. */
export async function filters(model: string, options: FiltersOptions): Promise<void> {
  const folder = findModel(model);
  const { bundle } = await readBundle(folder);
  const layer = required(options.layer, '--layer LAYER');
  const out = outputFile(options.out, ['.png', '.npy']);
  const { mode, scale, cell, page } = options;
  const view = parseView(filterView, { mode, scale, cell, page });
  await useNetwork(folder, bundle, undefined, async (network) => {
    const { node } = findLayer(network.graph, layer);
    const kernels = await network.kernels(node);
    if (out.endsWith('.npy')) return writeOutput(out, Readable.from(encodeKernels(kernels)));
    const { channels } = bundle.input;
    return writePage(out, await renderFilters({ kernels, name: node.name, channels }, view));
  });
}
