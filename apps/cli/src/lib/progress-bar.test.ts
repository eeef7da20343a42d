import { expect, test } from 'vitest';
import { createProgressBar, formatTime } from './progress-bar.js';

/** A stream that keeps what is written, and a clock. */
function openBar(isTerminal: boolean) {
  const written: string[] = [];
  let ms = 0;
  const out = {
    isTTY: isTerminal,
    columns: 60,
    write: (text: string) => written.push(text) > 0,
  } as unknown as NodeJS.WriteStream;
  const bar = createProgressBar('positions', out, () => ms);
  return { bar, written, pass: (more: number) => (ms += more) };
}

test('a pace and the time left are measured, and unknown until then', () => {
  const { bar, written, pass } = openBar(false);
  bar.update({ done: 0, total: 100 });
  pass(1_000);
  bar.update({ done: 20, total: 100 });
  pass(1_000);
  bar.update({ done: 40, total: 100 });
  pass(60_000);
  bar.update({ done: 40, total: 100 });
  bar.update({ done: 100, total: 100 });
  expect(written.map((line) => line.replace(/\[.*\]/, '[]'))).toEqual([
    'positions []   0% 0/100, time left unknown\n',
    'positions []  20% 20/100, 20/s, 0:04 left\n',
    'positions []  40% 40/100, 20/s, 0:03 left\n',
    'positions [] 100% 100/100\n',
  ]);
});

test('a pace that is given is shown as it is', () => {
  const { bar, written } = openBar(false);
  bar.update({ done: 5, total: 10, perSecond: 2.5, etaSeconds: 3_725 });
  bar.update({ done: 7, total: 10, perSecond: null, etaSeconds: null });
  expect(written[0]).toContain('5/10, 2.5/s, 1:02:05 left');
  expect(written[1]).toContain('7/10, time left unknown');
});

test('a line on a terminal is drawn over, and is no longer than it', () => {
  const { bar, written } = openBar(true);
  bar.update({ done: 123_456, total: 1_000_000 });
  bar.update({ done: 123_457, total: 1_000_000 });
  expect(written).toHaveLength(2);
  for (const line of written) expect(line.replace('\r\u001b[2K', '').length).toBeLessThan(60);
  bar.end();
  expect(written.at(-1)).toBe('\n');
});

test.each([
  [0.2, '0:01'],
  [59, '0:59'],
  [3_600, '1:00:00'],
])('%d s are %s', (seconds, text) => {
  expect(formatTime(seconds)).toBe(text);
});
