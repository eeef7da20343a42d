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
};

/** Most that are told one by one. */
export const maxTold = 50;

export function Failures({ title, failures, count = failures.length }: FailuresProps) {
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
    </section>
  );
}
