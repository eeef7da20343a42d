/** What a process knows of a child process of its own, as Node.js gives it. */
export type SignalledChild = {
  /** undefined if it never started. */
  readonly pid?: number | undefined;
  kill(signal: NodeJS.Signals): boolean;
};

/**
 * Send a signal to a child process, unless it has ended or never started. Of one that never started Node.js knows no
 * process id, yet sends the signal, to whatever stands in its place: 0 would be every process of this one's group.
 *
 * @returns Whether it was sent.
 */
export const signalChild = (child: SignalledChild, signal: NodeJS.Signals): boolean =>
  child.pid !== undefined && child.kill(signal);
