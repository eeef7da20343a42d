import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  attributeTargets,
  type FilterFigure,
  findLayer,
  findUnit,
  listLayers,
  type ModelInput,
  type Network,
  type OpenModel,
  openEngine,
  readBundle,
  renderFieldGrowth,
  renderFilters,
  renderHeatmap,
  renderInput,
  renderReceptiveField,
  renderScoreMap,
  useNetwork,
} from '@umbra/engine';
import { filterModes, type Layer } from '@umbra/shared/contracts/layer';
import { type OcclusionSettings, occlusionSettings } from '@umbra/shared/contracts/settings';
import { hasCode, invalidInput } from '@umbra/shared/errors';
import { type Figure, renderPage, type Section } from '../lib/article-page.js';
import { type EngineFlags, parseEngineOptions } from '../lib/engine-flags.js';
import { findModel } from '../lib/find-model.js';
import { required } from '../lib/flags.js';
import { preparePhoto } from '../lib/photo.js';
import { createProgressBar } from '../lib/progress-bar.js';

const samplePhotos = fileURLToPath(new URL('../../../../samples/photos', import.meta.url));
const photoName = /\.(jpe?g|png|webp|tiff?|gif|avif)$/i;
/** The article's layers of AlexNet, as places in torchvision's `features`. */
const articleFeatures: readonly number[] = [0, 3, 6];

export type ArticleOptions = EngineFlags & {
  readonly model: string;
  readonly photos?: string;
  readonly out?: string;
};

type PreparedPhoto = { readonly name: string; readonly photo: Buffer; readonly image: ModelInput };
/** Write a picture beside the page. */
type Draw = (picture: Omit<Figure, 'file' | 'size'> & Picture) => Promise<Figure>;
type Picture = { readonly name: string; readonly png: Buffer };

/** Draw every figure of the founding article for a model, into a folder with a page. */
export async function article(options: ArticleOptions): Promise<void> {
  const out = resolve(required(options.out, '--out DIR'));
  const folder = findArticleModel(options.model);
  const { bundle } = await readBundle(folder);
  const photos: PreparedPhoto[] = [];
  const paths = await listPhotos(options.photos ?? samplePhotos);
  for (const path of paths) {
    const stem = stemOf(path);
    // cat.jpg and cat.png are two photos, and their pictures two files.
    const isAlone = paths.filter((other) => stemOf(other) === stem).length === 1;
    photos.push({ name: isAlone ? stem : basename(path), ...(await preparePhoto(path, bundle)) });
  }
  const [first] = photos;
  if (first === undefined) throw new RangeError('Expected photos, got none');
  await mkdir(out, { recursive: true });
  const draw: Draw = async ({ name, png, title, alt }) => {
    const file = `${name}.png`;
    await writeFile(join(out, file), png);
    // The extent stands at the beginning of a PNG file.
    const size = { width: png.readUInt32BE(16), height: png.readUInt32BE(20) };
    return { file, title, alt, size };
  };
  const engine = openEngine(parseEngineOptions(options));
  try {
    const model = await engine.open(folder);
    await useNetwork(folder, bundle, first.image, async (network) => {
      const sections: Section[] = [
        await drawInputs(model, photos, draw),
        await drawFilters(model, network, draw),
        await drawOcclusion(model, photos, draw),
        await drawFields(network, first, draw),
      ];
      await writeFile(join(out, 'index.html'), renderPage(bundle, sections));
    });
  } finally {
    await engine.close();
  }
  process.stderr.write(`Figures: ${join(out, 'index.html')}\n`);
}

const stemOf = (path: string): string => basename(path, extname(path));

function findArticleModel(model: string): string {
  try {
    return findModel(model);
  } catch (error) {
    if (!hasCode(error, 'invalid_input') || !['alexnet', 'vgg16'].includes(model)) throw error;
    throw invalidInput(
      `Model '${model}' is not here yet. Make it with a Python that has torchvision, then add it:\n` +
        `  python models/export-torchvision.py ${model} --out my-models\n` +
        `  npx umbra models add my-models/${model} --name ${model}`,
      error,
    );
  }
}

async function listPhotos(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw invalidInput(`Expected a folder of photos at '${folder}'`, error);
  });
  const photos = names.filter((name) => photoName.test(name)).sort();
  if (photos.length === 0) throw invalidInput(`Expected photos in '${folder}', got none`);
  return photos.map((name) => join(folder, name));
}

async function drawInputs(
  model: OpenModel,
  photos: readonly PreparedPhoto[],
  draw: Draw,
): Promise<Section> {
  const figures: Figure[] = [];
  for (const { name, image } of photos) {
    const png = await renderInput(image, model.bundle, name);
    const alt = `The photo ${name}, as the model is given it`;
    figures.push(await draw({ name: `input-${name}`, title: name, alt, png }));
  }
  return {
    title: 'Input view',
    words:
      'The photos as the model is given them: resized, cut, normalised, and brought back by x * std + mean. What falls outside the range of colours is clamped, which the article does not do.',
    groups: [figures],
  };
}

async function drawFilters(model: OpenModel, network: Network, draw: Draw): Promise<Section> {
  const convolutions = listLayers(network.graph).filter(({ kind }) => kind === 'convolution');
  const named = convolutions.filter(
    ({ feature }) => feature !== null && articleFeatures.includes(feature),
  );
  const chosen = named.length === articleFeatures.length ? named : convolutions.slice(0, 3);
  const groups: Figure[][] = [];
  for (const layer of chosen) {
    const { node } = findLayer(network.graph, layer.name);
    const kernels = await network.kernels(node);
    const figure = { kernels, name: layer.name, channels: model.bundle.input.channels };
    for (const mode of filterModes) {
      if (mode === 'rgb' && kernels.depth !== 3) continue;
      groups.push(await drawMode(figure, { layer, mode }, draw));
    }
  }
  return {
    title: 'Filter views',
    words:
      'rgb: a kernel with its three channels as one colour tile, of layers that read three channels only. channels: a tile for each slice. Of both, as published: each tile on its own scale, (w - mean) / std + 0.5, cut to [0, 1], so that kernels of next to nothing look like the others; a tile whose weights are all equal is mid-grey instead of a division by zero. Ours, beside it: all tiles on one scale of the layer. Kernels that hold nothing are crossed out. collated: all slices, raw, on one scale; upright, where the article transposes them. Layers of 1 x 1 are one matrix.',
    groups,
  };
}

/** Draw a layer in one mode: as published, and beside it ours, where they differ. */
async function drawMode(
  figure: FilterFigure,
  { layer, mode }: { readonly layer: Layer; readonly mode: (typeof filterModes)[number] },
  draw: Draw,
): Promise<Figure[]> {
  const { kernels } = figure;
  const isMatrix = kernels.height * kernels.width === 1 && mode !== 'rgb';
  // A matrix is the same in both modes that draw one.
  if (isMatrix && mode === 'channels') return [];
  const scales =
    isMatrix || mode === 'collated' ? (['layer'] as const) : (['own', 'layer'] as const);
  const figures: Figure[] = [];
  for (const scale of scales) {
    const { png, pages } = await renderFilters(figure, { mode, scale, page: 1 });
    const more = pages === 1 ? '' : `, the first of ${pages} pages`;
    const whose = scales.length === 1 ? '' : scale === 'own' ? ', as published' : ', ours';
    const kind = isMatrix ? 'as one matrix' : mode;
    figures.push(
      await draw({
        name: `filters-${layer.index}-${mode}${scale === 'own' ? '-article' : ''}`,
        title: `${calling(layer)}, ${kind}${whose}${more}`,
        alt: `${kernels.kernels} kernels of ${kernels.depth} x ${kernels.height} x ${kernels.width}: their weights ${altOfMode[mode]}`,
        png,
      }),
    );
  }
  return figures;
}

const altOfMode = {
  rgb: 'as tiles of colour, one a kernel',
  channels: 'as tiles, one a slice',
  collated: 'in one map, kernels downwards and channels to the right',
} as const;

async function drawOcclusion(
  model: OpenModel,
  photos: readonly PreparedPhoto[],
  draw: Draw,
): Promise<Section> {
  const published = occlusionSettings.parse({ preset: 'article', patch: 32, stride: 14 });
  const ours = occlusionSettings.parse({ patch: 32, stride: 14 });
  const groups: Figure[][] = [];
  for (const { name, image } of photos) {
    const theirs = await occludeWithBar(model, image, published, `${name}, as published`);
    const own = await occludeWithBar(model, image, ours, `${name}, ours`);
    const [target] = theirs.baseline.targets;
    const [grid] = theirs.plan.grids;
    const scores = theirs.scores[0];
    const map = attributeTargets(own.plan, own.scores, own.baseline)[0];
    if (!target || !grid || !scores || !map)
      throw new RangeError('Expected a run to have a target');
    const title = `${target.label}: probability ${target.score.toFixed(3)}`;
    const unit = 'probability lost (+) or gained (\u2212) when covered';
    groups.push([
      await draw({
        name: `occlusion-${name}-article`,
        title: `${name}, as published: the probability at each position`,
        alt: `Cells from dark to light: the probability of ${target.label} with the patch at each position`,
        png: await renderScoreMap(scores, grid, target.score, title),
      }),
      await draw({
        name: `occlusion-${name}`,
        title: `${name}, ours: what each pixel carries of it`,
        alt: `A map of the photo: red where covering it lowers the probability of ${target.label}, blue where that raises it`,
        png: await renderHeatmap(map, image, { title, unit }),
      }),
    ]);
  }
  return {
    title: 'Occlusion',
    words:
      'Patch 32, stride 14, the predicted class. As published: the raw probability, dark where it is low, its scale ending at the unoccluded one; 0.5 in normalised units is written, and the last rows and columns of the photo are never covered. Ours, beside it: the mean colour is written, every pixel is covered, and the map shows what covering a pixel loses, in the place where it is.',
    groups,
  };
}

async function occludeWithBar(
  model: OpenModel,
  image: ModelInput,
  settings: OcclusionSettings,
  title: string,
) {
  const resolved = model.resolve(settings, image);
  const { positions } = resolved.plan;
  const bar = createProgressBar(title);
  const run = await model.occlude(image, resolved, {
    onProgress: (done) => bar.update({ done, total: positions }),
  });
  bar.end();
  return run;
}

/** One layer out of so many is enough to see fields grow. */
const fieldsShown = 4;

async function drawFields(
  { graph }: Network,
  { name, photo, image }: PreparedPhoto,
  draw: Draw,
): Promise<Section> {
  const window = { kernel: 3, stride: 1, dilation: 1, padBegin: 0, padEnd: 0, ceil: false };
  const growth = await draw({
    name: 'field-growth',
    title: 'Two layers of 3 x 3 see 5 x 5 pixels',
    alt: 'Three grids: 5 x 5 pixels of the input, 3 x 3 units after one layer, one unit after two',
    png: await renderFieldGrowth(7, [window, window]),
  });
  const seen = listLayers(graph).filter(
    ({ kind, receptiveField }) =>
      (kind === 'convolution' || kind === 'pooling') && receptiveField.kind === 'window',
  );
  const step = Math.max(1, Math.floor(seen.length / fieldsShown));
  const shown = seen.filter((_, at) => (seen.length - 1 - at) % step === 0).slice(-fieldsShown);
  const fields: Figure[] = [];
  for (const layer of shown) {
    const png = await renderReceptiveField(photo, image.frame, layer, findUnit(layer));
    const alt = `The photo ${name}: outlined what the middle unit of ${layer.name} sees, the rest dimmed`;
    fields.push(await draw({ name: `field-${layer.index}`, title: calling(layer), alt, png }));
  }
  return {
    title: 'Receptive fields',
    words:
      'What one unit can see. A unit of a 3 x 3 layer sees 3 x 3 units of the one before, and so 5 x 5 pixels through two of them; on the photo, what the middle unit of deeper and deeper layers sees.',
    groups: [[growth], fields],
  };
}

const calling = ({ name, feature }: Layer): string =>
  feature === null ? name : `features ${feature} (${name})`;
