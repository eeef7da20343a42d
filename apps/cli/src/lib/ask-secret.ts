import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** A line from stdin: at a terminal asked for, and not shown as it is typed. */
export function askSecret(question: string): Promise<string> {
  const { stdin, stderr } = process;
  const isTerminal = stdin.isTTY === true;
  const mute = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: mute, terminal: isTerminal });
  // Only now: before, the terminal shows what is typed.
  if (isTerminal) stderr.write(question);
  return new Promise((resolve) => {
    let answer = '';
    lines.once('line', (line) => {
      answer = line;
      lines.close();
    });
    // Raw mode takes Ctrl-C for a key.
    lines.once('SIGINT', () => {
      lines.close();
      process.kill(process.pid, 'SIGINT');
    });
    lines.once('close', () => {
      if (isTerminal) stderr.write('\n');
      resolve(answer.trim());
    });
  });
}
