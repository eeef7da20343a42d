import type { Command } from 'commander';
import type { ArticleOptions } from '../actions/article.js';
import { addOptions, createCommand } from '../lib/command.js';
import { engineOptions } from '../lib/options.js';

export function articleCommand(): Command {
  const command = createCommand('article', {
    summary: "draw every figure of the project's founding article, with a page that shows them",
    details:
      'Input grid, filters in three modes, occlusion as published beside ours, receptive fields.',
    examples: [
      'umbra article --out figures',
      'umbra article --model efficientnet-lite0 --photos my-photos --out figures',
    ],
  })
    .option('--model <model>', 'alexnet, vgg16, or name or folder of another model', 'alexnet')
    .option('--photos <dir>', "folder of photos (default: the project's samples)")
    .option('--out <dir>', 'folder of the figures and index.html (required)');
  addOptions(command, engineOptions(), 'Engine:');
  return command.action(async (options: ArticleOptions) => {
    const { article } = await import('../actions/article.js');
    await article(options);
  });
}
