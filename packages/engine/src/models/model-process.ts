/**
 * Entry of a process that tries one model: a network that ends it, or never ends, costs the trial alone.
 *
 * Its arguments are the task and the id of the process that waits for it, which ends it in any case.
 */
import { reportError } from '@umbra/shared/errors';
import { openEngine } from '../engine.js';
import { checkModel } from './check.js';
import { endWithParent } from './end-with-parent.js';
import type { ModelReply, ModelTask } from './model-task.js';

const [task = '', parent] = process.argv.slice(2);
endWithParent(Number(parent));

const tell = (reply: ModelReply): void => void process.send?.(reply);

async function run(task: ModelTask): Promise<void> {
  if (task.kind === 'check') {
    await checkModel(task.folder, (step) => tell({ kind: 'step', step }));
    return;
  }
  const engine = openEngine(task.options);
  try {
    await engine.open(task.folder);
  } finally {
    await engine.close();
  }
}

tell({ kind: 'ready' });
run(JSON.parse(task) as ModelTask).then(
  () => tell({ kind: 'done' }),
  (error: unknown) => tell({ kind: 'failed', error: reportError(error) }),
);
