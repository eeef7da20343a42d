import { type GraphBuilder, NotTranslated } from './graph-builder.js';
import { addOperationOf, type NodeInput, type NodeJson } from './graph-operations.js';
import type { TfjsModel } from './model-file.js';
import { nodeName } from './tfjs-outputs.js';

/**
 * Write a graph model (TensorFlow's GraphDef, as TensorFlow.js saves it) into a graph builder.
 *
 * @param image Name of the image, [N, channels, height, width].
 * @param output Name of the output that is wanted; nothing else is translated.
 * @returns The name of the network's output.
 * @throws {NotTranslated} if an operation is not known.
 */
export function translateGraph(
  builder: GraphBuilder,
  model: TfjsModel,
  { image, output }: { readonly image: string; readonly output: string },
): string {
  const nodes = nodesOf(model.topology);
  const made = new Map<string, NodeInput>();
  for (const node of ancestorsInOrder(nodes, output)) {
    const inputs = dataInputs(node).map((name) => made.get(name) ?? { weight: name });
    made.set(node.name, translate(builder, node, inputs) ?? { tensor: image });
  }
  const last = made.get(output);
  if (last !== undefined && 'tensor' in last) return last.tensor;
  throw new NotTranslated(`its output '${output}' is not computed`);
}

/** The nodes of a GraphDef; none where the topology is of another kind. */
function nodesOf({ node: nodes = [] }: Readonly<Record<string, unknown>>): readonly NodeJson[] {
  return nodes as readonly NodeJson[];
}

/** Add a node to the graph. @returns What its readers read; null for the image. */
function translate(
  builder: GraphBuilder,
  node: NodeJson,
  inputs: readonly NodeInput[],
): NodeInput | null {
  if (node.op === 'Placeholder') return null;
  if (node.op === 'Const') return { weight: node.name };
  const [first] = inputs;
  if (passing.has(node.op) && first !== undefined) return first;
  const add = addOperationOf[node.op];
  if (add === undefined) throw new NotTranslated(`its operation '${node.op}' is not known`);
  return { tensor: add(builder, node, inputs) };
}

/** Operations that change nothing when a network is run. */
const passing = new Set(['Identity', 'StopGradient', 'PreventGradient', 'Dropout']);

/** Names of the nodes that a node reads data of; those that it only waits for begin with `^`. */
const dataInputs = ({ input = [] }: NodeJson): readonly string[] =>
  input.filter((name) => !name.startsWith('^')).map(nodeName);

/** The nodes that an output needs, after those that they read. */
function ancestorsInOrder(nodes: readonly NodeJson[], output: string): readonly NodeJson[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const done = new Set<string>();
  const order: NodeJson[] = [];
  const last = byName.get(output);
  const stack = last === undefined ? [] : [{ node: last, entered: false }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { node, entered } = next;
    if (done.has(node.name)) continue;
    if (entered) {
      done.add(node.name);
      order.push(node);
      continue;
    }
    stack.push({ node, entered: true });
    for (const name of dataInputs(node)) {
      const source = byName.get(name);
      if (source !== undefined && !done.has(name)) stack.push({ node: source, entered: false });
    }
  }
  return order;
}
