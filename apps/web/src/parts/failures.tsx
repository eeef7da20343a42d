import type { ReactNode } from 'react';

/** What failed, by name, and why. */
export type Failure = {
  readonly name: string;
  readonly error: { readonly message: string } | null;
};

export type FailuresProps = {
  readonly title: string;
  readonly failures: readonly Failure[];
  /** How many there are, where not all are given. */
  readonly count?: number;
  /** What may be done about them. */
  readonly children?: ReactNode;
};

/** Most that are told one by one. */
export const maxTold = 50;

export function Failures(props: FailuresProps) {
  const { title, failures, count = props.failures.length, children } = props;
  const told = failures.slice(0, maxTold);
  return (
    <section className="card failures">
      <h2>{title}</h2>
      <ul>
        {told.map(({ name, error }) => (
          <li key={name}>
            <strong>{name}</strong> <span className="bad">{error?.message}</span>
          </li>
        ))}
      </ul>
      {count > told.length && <p className="note">and {count - told.length} more</p>}
      {children}
    </section>
  );
}
