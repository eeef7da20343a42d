import { type FormEvent, useId } from 'react';
import type { LayerList } from '../api/models.js';

export type SizeFormProps = {
  readonly list: LayerList;
  readonly size: string | null;
  /** @param size `HEIGHTxWIDTH`, px; null for the model's own. */
  readonly onSize: (size: string | null) => void;
};

const maxPx = 9_999;

/** The extent of the input that shapes are for: that of the model, or any other. */
export function SizeForm({ list: { input }, size, onSize }: SizeFormProps) {
  const id = useId();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    onSize(`${Number(form.get('height'))}x${Number(form.get('width'))}`);
  };
  const side = (name: 'width' | 'height') => (
    <input
      key={`${name} ${input[name]}`}
      id={`${id}-${name}`}
      name={name}
      aria-label={`${name === 'width' ? 'Width' : 'Height'} of the input, px`}
      type="number"
      min={1}
      max={maxPx}
      required
      defaultValue={input[name]}
    />
  );
  return (
    <form className="size-form" onSubmit={submit}>
      <span className="field-label">For an input of, px</span>
      <div className="row">
        {side('width')}
        <span aria-hidden="true">×</span>
        {side('height')}
        <button type="submit" className="button">
          Apply
        </button>
        {size !== null && (
          <button type="button" className="button" onClick={() => onSize(null)}>
            The model’s own
          </button>
        )}
      </div>
    </form>
  );
}
