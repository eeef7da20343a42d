import type { Command } from 'commander';
import { createCommand } from '../lib/command.js';

export const completionCommand = (): Command =>
  createCommand('completion', {
    summary: "print what completes umbra's commands and options in a shell",
    details:
      'For bash or zsh, add source <(umbra completion bash) or zsh to ~/.bashrc or ~/.zshrc; for fish, write it to ~/.config/fish/completions/umbra.fish.',
    examples: ['umbra completion bash', 'umbra completion fish'],
  })
    .argument('<shell>', 'bash, zsh or fish')
    .action(async (shell: string, _options: object, command: Command) => {
      const { completion } = await import('../actions/completion.js');
      completion(shell, command.parent ?? command);
    });
