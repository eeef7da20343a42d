import { type GraphBuilder, NotTranslated } from './graph-builder.js';
import { type AddLayer, addLayerOf, type LayerConfig } from './layer-operations.js';

type LayerJson = {
  readonly class_name: string;
  readonly config: LayerConfig;
  readonly inbound_nodes?: unknown;
};

/**
 * Write a layers model (Keras 1 and 2, as TensorFlow.js saves it) into a graph builder.
 *
 * @param topology The model's `modelTopology`.
 * @param image Name of the image, [N, channels, height, width].
 * @returns The names of the network's outputs, in its order.
 * @throws {NotTranslated} if a layer is not known.
 * @see https://keras.io/api/layers/ for what each layer computes.
 */
export function translateLayers(
  builder: GraphBuilder,
  topology: Readonly<Record<string, unknown>>,
  image: string,
): readonly string[] {
  const { model_config: model = topology } = topology;
  return addModel(builder, model as LayerJson, [image]);
}

function addModel(
  builder: GraphBuilder,
  { class_name, config }: LayerJson,
  inputs: readonly string[],
): readonly string[] {
  // Old files of Sequential models hold the list itself.
  const layers = (Array.isArray(config) ? config : config?.layers) as LayerJson[] | undefined;
  if (!Array.isArray(layers)) {
    throw new NotTranslated('its layers are not listed as Keras 1 and 2 do');
  }
  if (class_name === 'Sequential') {
    return layers.reduce((tensors, layer) => addLayer(builder, layer, tensors), inputs);
  }
  const made = new Map<string, readonly string[]>();
  const given = inputs.values();
  for (const layer of layers) {
    const name = String(layer.config.name);
    if (layer.class_name !== 'InputLayer') {
      made.set(name, addLayer(builder, layer, sourcesOf(layer, made)));
      continue;
    }
    const { value: input } = given.next();
    if (input === undefined) throw new NotTranslated('it has several inputs');
    made.set(name, [input]);
  }
  return referredTensors(config.output_layers, made);
}

/** A reference to another layer's output. */
type LayerReference = readonly [layer: string, call: number, output: number];

function sourcesOf(
  layer: LayerJson,
  made: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const calls = layer.inbound_nodes;
  if (!Array.isArray(calls) || calls.length !== 1 || !Array.isArray(calls[0])) {
    throw new NotTranslated(`layer '${layer.config.name}' is used more than once`);
  }
  return referredTensors(calls[0], made);
}

function referredTensors(
  references: unknown,
  made: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  return listReferences(references).map(([name, , index]) => {
    const tensor = made.get(name)?.[index];
    if (tensor === undefined) throw new NotTranslated(`layer '${name}' comes after its reader`);
    return tensor;
  });
}

/** List references; one may stand alone, without a list around it, and a model may have none. */
function listReferences(references: unknown): readonly LayerReference[] {
  if (!Array.isArray(references)) return [];
  return (typeof references[0] === 'string' ? [references] : references) as LayerReference[];
}

function addLayer(
  builder: GraphBuilder,
  layer: LayerJson,
  inputs: readonly string[],
): readonly string[] {
  const { class_name: kind, config } = layer;
  if (kind === 'Sequential' || kind === 'Model' || kind === 'Functional') {
    return addModel(builder, layer, inputs);
  }
  if (passing.has(kind)) return inputs.slice(0, 1);
  const add: AddLayer | undefined = addLayerOf[kind];
  if (add === undefined) throw new NotTranslated(`its layer '${kind}' is not known`);
  const { name } = config;
  if ((config.data_format ?? 'channels_last') !== 'channels_last')
    throw new NotTranslated(`layer '${name}' takes channels first`);
  const [input] = inputs;
  if (input === undefined) throw new NotTranslated(`layer '${name}' reads nothing`);
  return [add({ builder, name: String(name), config, input, inputs })];
}

/** Layers that change nothing when a network is run. */
const passing = new Set([
  'InputLayer',
  'Dropout',
  'SpatialDropout2D',
  'GaussianNoise',
  'GaussianDropout',
  'AlphaDropout',
  'ActivityRegularization',
]);
