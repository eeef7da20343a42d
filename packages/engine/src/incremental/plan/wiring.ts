import { mustGet } from '@umbra/shared/assert';
import { isView } from '../../graph/changed-region.js';
import { type Graph, type GraphNode, type Readers, readersOf } from '../../graph/graph.js';

/** Who reads what in a graph whose views are made anew by each of their readers. */
export type Wiring = {
  /** The readers of each tensor, views passed through. */
  readonly readers: Readers;
  isView(node: GraphNode): boolean;
  /** Nodes and the views that they read through, in order. */
  withViews(nodes: readonly GraphNode[]): readonly GraphNode[];
};

export function wiringOf(graph: Graph): Wiring {
  const order = new Map(graph.nodes.map((node, index) => [node, index]));
  const views = new Set(graph.nodes.filter((node) => isView(graph, node)));
  const makers = new Map([...views].flatMap((node) => node.outputs.map((name) => [name, node])));
  return {
    readers: readersOf(graph, (node) => views.has(node)),
    isView: (node) => views.has(node),
    withViews(nodes) {
      const found = new Set(nodes);
      // A set gives what is added while it is read.
      for (const { inputs } of found) {
        for (const name of inputs) {
          const view = makers.get(name);
          if (view !== undefined) found.add(view);
        }
      }
      return [...found].sort((a, b) => mustGet(order, a) - mustGet(order, b));
    },
  };
}
