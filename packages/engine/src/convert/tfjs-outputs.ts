import type { ModelBundle, OutputKind } from '@umbra/shared/contracts/model';
import {
  chooseOutput,
  type DeclaredOutput,
  type DescribedOutput,
  widthOf,
} from '../graph/scores-output.js';
import type { TfjsModel } from './model-file.js';

/** A layer of a layers model, as far as its outputs need it. */
type LayerJson = {
  readonly class_name: string;
  readonly config: {
    readonly name?: string;
    readonly layers?: readonly LayerJson[];
    readonly output_layers?: unknown;
    readonly units?: number;
    readonly activation?: string;
  };
};
type NodeJson = { readonly name: string; readonly op: string; readonly input?: readonly string[] };

/** Whether a model is a graph model (TensorFlow's GraphDef), rather than one of layers. */
export const isGraphModel = ({ json, topology }: TfjsModel): boolean =>
  json.format === 'graph-model' || 'node' in topology;

/** List a TensorFlow.js model's outputs in the order that it gives them; none where none is stated. */
export const outputsOf = (model: TfjsModel): readonly DescribedOutput[] =>
  isGraphModel(model) ? graphOutputs(model) : layersOutputs(model);

/** An output by its name, and by its place among those of a model of layers. */
export type ScoresOutput = { readonly name: string; readonly index: number };

/** The output that holds a model's scores. @throws {AppError} As `chooseOutput`. */
export function scoresOutput(model: TfjsModel, { name, output }: ModelBundle): ScoresOutput {
  const outputs = outputsOf(model);
  const chosen = chooseOutput(outputs, name, output.name);
  return { name: chosen.name, index: outputs.indexOf(chosen) };
}

/** The node that gives a tensor, `node` or `node:0`. */
export const nodeName = (tensor: string): string => tensor.replace(/:\d+$/, '');

const kindByActivation: Readonly<Record<string, OutputKind>> = {
  softmax: 'probabilities',
  sigmoid: 'independent-probabilities',
};

function layersOutputs({ topology }: TfjsModel): readonly DescribedOutput[] {
  const { model_config: model = topology } = topology as { model_config?: unknown };
  const { config } = model as LayerJson;
  // Old files of Sequential models hold the list itself.
  const layers = Array.isArray(config) ? (config as readonly LayerJson[]) : (config?.layers ?? []);
  const names = outputLayers(config?.output_layers);
  const last = layers.at(-1);
  const outputs =
    names.length > 0
      ? names.map((name) => layers.find((layer) => layer.config.name === name))
      : [last];
  return outputs.flatMap((layer) => (layer === undefined ? [] : [describeLayer(layer)]));
}

/** Names in `output_layers`; one reference may stand alone, without a list around it. */
function outputLayers(references: unknown): readonly string[] {
  if (!Array.isArray(references)) return [];
  const list = typeof references[0] === 'string' ? [references] : references;
  return list.map(([name]) => String(name));
}

function describeLayer({ class_name, config }: LayerJson): DescribedOutput {
  const { name = '', units, activation = class_name.toLowerCase() } = config;
  const isLogit = units === 1 && activation === 'linear';
  const kind = kindByActivation[activation] ?? (isLogit ? 'independent-logits' : null);
  return { name, shape: units === undefined ? null : [null, units], kind };
}

function graphOutputs({ topology, json }: TfjsModel): readonly DescribedOutput[] {
  const { node: nodes = [] } = topology as { readonly node?: readonly NodeJson[] };
  const signed = Object.values(json.signature?.outputs ?? {}).map(({ name, tensorShape }) => ({
    name: nodeName(name),
    shape: tensorShape?.dim?.map(({ size = -1 }) => (size > 0 ? size : null)) ?? null,
  }));
  // A model without a signature gives what no node reads.
  const read = new Set(nodes.flatMap(({ input = [] }) => input.map(nodeName)));
  const unread = nodes
    .filter(({ name, op }) => !read.has(name) && op !== 'Const')
    .map(({ name }) => ({ name, shape: null }));
  return (signed.length > 0 ? signed : unread).map((output) => ({
    ...output,
    kind: graphKind(nodes, output),
  }));
}

/** Operations that do not change scores. */
const passing = new Set(['Identity', 'Reshape', 'Squeeze', 'Cast']);

/** Operations after which a single number is a logit. */
const linear = new Set(['MatMul', 'BiasAdd', 'Conv2D']);

function graphKind(nodes: readonly NodeJson[], output: DeclaredOutput): OutputKind | null {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  let node = byName.get(output.name);
  while (node !== undefined && passing.has(node.op))
    node = byName.get(nodeName(node.input?.[0] ?? ''));
  const { op = '' } = node ?? {};
  const isLogit = widthOf(output) === 1 && linear.has(op);
  return kindByActivation[op.toLowerCase()] ?? (isLogit ? 'independent-logits' : null);
}
