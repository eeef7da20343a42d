import { readCliConfig } from './config.js';

const clearLine = '\r\u001b[2K';

/** Whether a line there may be drawn over. */
export const isLive = (out: NodeJS.WriteStream): boolean =>
  out.isTTY === true && (readCliConfig().NO_COLOR ?? '') === '';

/** A line on stderr, in place of a bar that may be drawn there. */
export function say(line: string): void {
  process.stderr.write(isLive(process.stderr) ? `${clearLine}${line}\n` : `${line}\n`);
}

/** Draw over the line that the cursor is in, cut to the width of the terminal. */
export function drawLine(out: NodeJS.WriteStream, text: string): void {
  const width = Math.max(1, (out.columns ?? 80) - 1);
  out.write(`${clearLine}${[...text].slice(0, width).join('')}`);
}
