/**
 * Entry of a process that tries one model: a network that ends it, or never ends, costs the trial alone.
 *
 * Its arguments are the task and the id of the process that waits for it, which ends it in any case.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { reportError } from '@umbra/shared/errors';
import { openEngine } from '../engine.js';
import { renderActivations } from '../figures/activations.js';
import type { FigurePage } from '../figures/tiles.js';
import { findLayer } from '../network/layers.js';
import { useNetwork } from '../network/network.js';
import { readBundle } from './bundle.js';
import { checkModel } from './check.js';
import { describeFolder } from './describe.js';
import { endWithParent } from './end-with-parent.js';
import type { ModelReply, ModelTask } from './model-task.js';

const [task = '', parent] = process.argv.slice(2);
endWithParent(Number(parent));
endFirstOfAll();

const tell = (reply: ModelReply): void => void process.send?.(reply);

/** Where memory ends, Linux ends this process before the one that waits for it. */
function endFirstOfAll(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Another system, or one that hides this.
  }
}

async function run(task: ModelTask): Promise<Omit<Extract<ModelReply, { kind: 'done' }>, 'kind'>> {
  if (task.kind === 'check') {
    await checkModel(task.folder, (step) => tell({ kind: 'step', step }));
    return {};
  }
  if (task.kind === 'describe') {
    // Errors name files as they are given here, and no folder of this machine.
    process.chdir(task.folder);
    return { staged: await describeFolder(task.file, task.claims, { isAlone: true }) };
  }
  if (task.kind === 'activations') {
    const [tensor] = await once(process, 'message');
    return { figure: await drawActivations(task, tensor) };
  }
  const engine = openEngine(task.options);
  try {
    await engine.open(task.folder);
  } finally {
    await engine.close();
  }
  return {};
}

async function drawActivations(
  { folder, size, layer, photo, view }: Extract<ModelTask, { kind: 'activations' }>,
  tensor: Float32Array,
): Promise<FigurePage> {
  const { bundle } = await readBundle(folder);
  return useNetwork(folder, bundle, size, async (network) => {
    const { node } = findLayer(network.graph, layer);
    const upTo = await network.upTo(node);
    try {
      return await renderActivations(await upTo.run(tensor), { name: node.name, photo }, view);
    } finally {
      await upTo.close();
    }
  });
}

tell({ kind: 'ready' });
run(JSON.parse(task) as ModelTask).then(
  (made) => tell({ kind: 'done', ...made }),
  (error: unknown) => tell({ kind: 'failed', error: reportError(error) }),
);
