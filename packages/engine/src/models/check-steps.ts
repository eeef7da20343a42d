/** Steps of a model's check, in order. */
export const checkNames = [
  'description',
  'files',
  'loads',
  'forward pass',
  'output',
  'labels',
  'parity',
] as const;
export type CheckName = (typeof checkNames)[number];

/** One line of a model's check; `ok` is null where an earlier failure kept it from being run. */
export type CheckStep = {
  readonly name: CheckName;
  readonly ok: boolean | null;
  readonly detail: string;
  /** Set where it did not end within the deadline of the check. */
  readonly isLate?: true;
};

export const notRun = (name: CheckName): CheckStep => ({ name, ok: null, detail: 'not run' });
