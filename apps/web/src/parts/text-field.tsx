import { type InputHTMLAttributes, useId } from 'react';

export type TextFieldProps = Pick<
  InputHTMLAttributes<HTMLInputElement>,
  'type' | 'inputMode' | 'min' | 'max' | 'placeholder'
> & {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** What is wrong with it. */
  readonly error?: string | undefined;
};

/** A field of text with its label, and what is wrong with it below. */
export function TextField({ label, value, onChange, error, ...input }: TextFieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
      </label>
      <input
        {...input}
        id={id}
        value={value}
        autoComplete="off"
        aria-invalid={error !== undefined}
        aria-describedby={error === undefined ? undefined : `${id}-error`}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      <FieldError id={`${id}-error`} error={error} />
    </div>
  );
}

export type FieldErrorProps = { readonly error: string | undefined; readonly id?: string };

/** What is wrong with a field, told to screen readers as it comes. */
export const FieldError = ({ id, error }: FieldErrorProps) =>
  error === undefined ? null : (
    <p id={id} className="bad" role="alert">
      {error}
    </p>
  );
