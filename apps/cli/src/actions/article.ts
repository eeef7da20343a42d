import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  attributeTargets,
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
type Draw = (name: string, title: string, png: Buffer) => Promise<Figure>;

/** Draw every figure of the founding article for a model, into a folder with a page. */
export async function article(options: ArticleOptions): Promise<void> {
  const out = resolve(required(options.out, '--out DIR'));
  const folder = findArticleModel(options.model);
  const { bundle } = await readBundle(folder);
  const photos: PreparedPhoto[] = [];
  for (const path of await listPhotos(options.photos ?? samplePhotos)) {
    photos.push({ name: basename(path, extname(path)), ...(await preparePhoto(path, bundle)) });
  }
  const [first] = photos;
  if (first === undefined) throw new RangeError('Expected photos, got none');
  await mkdir(out, { recursive: true });
  const draw: Draw = async (name, title, png) => {
    const file = `${name}.png`;
    await writeFile(join(out, file), png);
    return { file, title };
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
    figures.push(await draw(`input-${name}`, name, await renderInput(image, model.bundle, name)));
  }
  return {
    title: 'Input view',
    words:
      'The photos as the model is given them: resized, cut, normalised, and brought back by x * std + mean. What falls outside the range of colours is clamped, which the article does not do.',
    figures,
  };
}

async function drawFilters(model: OpenModel, network: Network, draw: Draw): Promise<Section> {
  const convolutions = listLayers(network.graph).filter(({ kind }) => kind === 'convolution');
  const named = convolutions.filter(
    ({ feature }) => feature !== null && articleFeatures.includes(feature),
  );
  const chosen = named.length === articleFeatures.length ? named : convolutions.slice(0, 3);
  const figures: Figure[] = [];
  for (const layer of chosen) {
    const { node } = findLayer(network.graph, layer.name);
    const kernels = await network.kernels(node);
    const figure = { kernels, name: layer.name, channels: model.bundle.input.channels };
    for (const mode of filterModes) {
      if (mode === 'rgb' && kernels.depth !== 3) continue;
      const { png, pages } = await renderFilters(figure, { mode, page: 1 });
      const more = pages === 1 ? '' : `, the first of ${pages} pages`;
      const name = `filters-${layer.index}-${mode}`;
      figures.push(await draw(name, `${calling(layer)}, ${mode}${more}`, png));
    }
  }
  return {
    title: 'Filter views',
    words:
      'rgb: a kernel with its three channels as one colour tile, of layers that read three channels only. channels: each slice on its own scale, (w - mean) / std + 0.5, cut to [0, 1]; a slice whose weights are all equal is mid-grey instead of a division by zero. collated: all slices, raw, on one scale; upright, where the article transposes them.',
    figures,
  };
}

async function drawOcclusion(
  model: OpenModel,
  photos: readonly PreparedPhoto[],
  draw: Draw,
): Promise<Section> {
  const published = occlusionSettings.parse({ preset: 'article', patch: 32, stride: 14 });
  const ours = occlusionSettings.parse({ patch: 32, stride: 14 });
  const figures: Figure[] = [];
  for (const { name, image } of photos) {
    const theirs = await occludeWithBar(model, image, published, `${name}, as published`);
    const own = await occludeWithBar(model, image, ours, `${name}, ours`);
    const [target] = theirs.baseline.targets;
    const [grid] = theirs.plan.grids;
    const scores = theirs.scores[0];
    const map = attributeTargets(own.plan, own.scores, own.baseline)[0];
    if (!target || !grid || !scores || !map)
      throw new RangeError('Expected a run to have a target');
    const title = `${target.label}: ${target.score.toFixed(3)}`;
    const unit = 'probability lost (+) or gained (\u2212) when covered';
    figures.push(
      await draw(
        `occlusion-${name}-article`,
        `${name}, as published: the probability at each position`,
        await renderScoreMap(scores, grid, target.score, title),
      ),
      await draw(
        `occlusion-${name}`,
        `${name}, ours: what each pixel carries of it`,
        await renderHeatmap(map, image, { title, unit }),
      ),
    );
  }
  return {
    title: 'Occlusion',
    words:
      'Patch 32, stride 14, the predicted class. As published: the raw probability, dark where it is low, its scale ending at the unoccluded one; 0.5 in normalised units is written, and the last rows and columns of the photo are never covered. Ours: the mean colour is written, every pixel is covered, and the map shows what covering a pixel loses, in the place where it is.',
    figures,
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
    onProgress: (done) => bar.update(done, positions, null),
  });
  bar.end();
  return run;
}

/** One layer out of so many is enough to see fields grow. */
const fieldsShown = 4;

async function drawFields(
  { graph }: Network,
  { photo, image }: PreparedPhoto,
  draw: Draw,
): Promise<Section> {
  const window = { kernel: 3, stride: 1, dilation: 1, padBegin: 0, padEnd: 0, ceil: false };
  const figures = [
    await draw(
      'field-growth',
      'Two layers of 3 x 3 see 5 x 5 pixels',
      await renderFieldGrowth(7, [window, window]),
    ),
  ];
  const seen = listLayers(graph).filter(
    ({ kind, receptiveField }) =>
      (kind === 'convolution' || kind === 'pooling') && receptiveField.kind === 'window',
  );
  const step = Math.max(1, Math.floor(seen.length / fieldsShown));
  const shown = seen.filter((_, at) => (seen.length - 1 - at) % step === 0).slice(-fieldsShown);
  for (const layer of shown) {
    const png = await renderReceptiveField(photo, image.frame, layer, findUnit(layer));
    figures.push(await draw(`field-${layer.index}`, calling(layer), png));
  }
  return {
    title: 'Receptive fields',
    words:
      'What one unit can see. A unit of a 3 x 3 layer sees 3 x 3 units of the one before, and so 5 x 5 pixels through two of them; on the photo, what the middle unit of deeper and deeper layers sees.',
    figures,
  };
}

const calling = ({ name, feature }: Layer): string =>
  feature === null ? name : `features ${feature} (${name})`;
