import { invalidInput } from '@umbra/shared/errors';

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether Keras 3 wrote a layers model's topology. */
export const isKeras3 = ({ keras_version: version }: Json): boolean =>
  typeof version === 'string' && Number.parseInt(version, 10) >= 3;

/**
 * Rewrite a layers model that Keras 3 saved as Keras 2 would have saved it, which TensorFlow.js reads:
 * references to other layers, the input's shape, types as names, and settings that were renamed.
 *
 * @throws {AppError} `invalid_input` if a layer takes another layer's output by keyword.
 * @see https://github.com/keras-team/keras/blob/master/keras/src/models/functional.py for the form.
 */
export function toKeras2(topology: Json): Json {
  const models = new Set(layersIn(topology, ({ layers }) => layers !== undefined));
  return rewrite(topology, models) as Json;
}

/**
 * Name a weight as TensorFlow.js looks it up: by its layer alone, without the models around it.
 *
 * @param topology As Keras 3 wrote it.
 */
export function keras2WeightNames(topology: Json): (name: string) => string {
  const depthwise = new Set(layersIn(topology, (_, kind) => kind === 'DepthwiseConv2D'));
  return (name) => {
    const [layer = '', weight = ''] = name.split('/').slice(-2);
    const own = weight === 'kernel' && depthwise.has(layer) ? 'depthwise_kernel' : weight;
    return `${layer}/${own}`;
  };
}

/** Names of the layers, at any depth, that `isWanted` takes. */
function layersIn(value: unknown, isWanted: (config: Json, kind: unknown) => boolean): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => layersIn(one, isWanted));
  if (!isObject(value)) return [];
  const { class_name: kind, config } = value;
  const own = isObject(config) && isWanted(config, kind) ? [String(config.name)] : [];
  return [...own, ...Object.values(value).flatMap((one) => layersIn(one, isWanted))];
}

/** @param models Names of the models among the layers. */
function rewrite(value: unknown, models: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((one) => rewrite(one, models));
  if (!isObject(value)) return value;
  const { class_name: kind, config } = value;
  if (kind === 'DTypePolicy' && isObject(config)) return computedType(config.name);
  const entries = Object.entries(value).flatMap(([key, own]): [string, unknown][] => {
    if (key === 'module' || key === 'registered_name') return [];
    if (key === 'inbound_nodes' && Array.isArray(own)) {
      return [[key, own.map((call) => readsOf(call, models))]];
    }
    if (key === 'input_layers' || key === 'output_layers') {
      return [[key, listReferences(own).map((one) => countCalls(one, models))]];
    }
    if (key === 'config' && isObject(own)) return [[key, rewrite(renamed(own, kind), models)]];
    return [[key, rewrite(own, models)]];
  });
  return Object.fromEntries(entries);
}

/** Settings by the names that Keras 2 has, by kind of layer. */
const renames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  InputLayer: { batch_shape: 'batch_input_shape' },
  LeakyReLU: { negative_slope: 'alpha' },
};

const renamed = (config: Json, kind: unknown): Json =>
  Object.fromEntries(
    Object.entries(config).map(([key, value]) => [renames[String(kind)]?.[key] ?? key, value]),
  );

/** Policies of mixed precision are for training; what is saved is float32. */
const computedType = (name: unknown): string =>
  typeof name === 'string' && !name.startsWith('mixed_') ? name : 'float32';

/** Output `output` of call `call` of a layer. */
type Reference = readonly [layer: string, call: number, output: number];

/** The outputs that a call of a layer reads, in order. */
function readsOf(call: unknown, models: ReadonlySet<string>): unknown {
  if (!isObject(call)) return call;
  const [byKeyword] = referencesIn(call.kwargs);
  if (byKeyword === undefined) {
    return referencesIn(call.args).map((one) => [...countCalls(one, models), {}]);
  }
  throw invalidInput(
    `Expected layers that read others by position, as TensorFlow.js does, got the output of '${byKeyword[0]}' by keyword`,
  );
}

/** In Keras 2 the first call of a model that is a layer is the one that built it. */
const countCalls = (
  [layer, call, output]: Reference,
  models: ReadonlySet<string>,
): readonly unknown[] => [layer, models.has(layer) ? call + 1 : call, output];

function referencesIn(value: unknown): Reference[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (!isObject(value)) return [];
  const { class_name: kind, config } = value;
  if (kind === '__keras_tensor__' && isObject(config)) return [config.keras_history as Reference];
  return Object.values(value).flatMap(referencesIn);
}

/** List the inputs or outputs of a model: one alone, several in a list, or by name. */
function listReferences(value: unknown): readonly Reference[] {
  if (isObject(value)) return Object.values(value) as Reference[];
  return (Array.isArray(value) && typeof value[0] === 'string' ? [value] : value) as Reference[];
}
