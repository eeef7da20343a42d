import { Select } from '@base-ui/react/select';
import { Slider } from '@base-ui/react/slider';
import { Switch } from '@base-ui/react/switch';
import { Toggle } from '@base-ui/react/toggle';
import { ToggleGroup } from '@base-ui/react/toggle-group';
import { useId } from 'react';

export type Choice<T extends string> = { readonly value: T; readonly label: string };

export type SegmentedProps<T extends string> = {
  readonly label: string;
  readonly choices: readonly Choice<T>[];
  readonly value: T;
  readonly onChange: (value: T) => void;
};

/** One of a few choices, all in sight. */
export function Segmented<T extends string>({
  label,
  choices,
  value,
  onChange,
}: SegmentedProps<T>) {
  return (
    <ToggleGroup
      className="segmented"
      aria-label={label}
      value={[value]}
      onValueChange={([next]) => {
        const found = choices.find((choice) => choice.value === next);
        if (found !== undefined) onChange(found.value);
      }}
    >
      {choices.map((choice) => (
        <Toggle key={choice.value} className="segment" value={choice.value}>
          {choice.label}
        </Toggle>
      ))}
    </ToggleGroup>
  );
}

export type PickProps = {
  readonly label: string;
  readonly choices: readonly (Choice<string> & { readonly note?: string })[];
  readonly value: string;
  readonly onChange: (value: string) => void;
};

/** One of many choices, in a list that opens. */
export function Pick({ label, choices, value, onChange }: PickProps) {
  const id = useId();
  const items = Object.fromEntries(choices.map((choice) => [choice.value, choice.label]));
  return (
    <div className="field">
      <span id={id} className="field-label">
        {label}
      </span>
      <Select.Root
        items={items}
        value={value}
        onValueChange={(next) => next !== null && onChange(next)}
      >
        <Select.Trigger className="select" aria-labelledby={id}>
          <Select.Value />
          <Select.Icon className="select-icon" aria-hidden="true">
            ▾
          </Select.Icon>
        </Select.Trigger>
        <Select.Portal>
          <Select.Positioner className="popup-place" sideOffset={4} alignItemWithTrigger={false}>
            <Select.Popup className="popup">
              {choices.map((choice) => (
                <Select.Item key={choice.value} className="option" value={choice.value}>
                  <Select.ItemText>{choice.label}</Select.ItemText>
                  {choice.note !== undefined && <span className="note">{choice.note}</span>}
                </Select.Item>
              ))}
            </Select.Popup>
          </Select.Positioner>
        </Select.Portal>
      </Select.Root>
    </div>
  );
}

export type ShareSliderProps = {
  readonly label: string;
  /** Percent. */
  readonly value: number;
  readonly onChange: (value: number) => void;
};

export function ShareSlider({ label, value, onChange }: ShareSliderProps) {
  return (
    <Slider.Root
      className="slider"
      value={value}
      step={5}
      onValueChange={(next) => onChange(Number(next))}
    >
      <Slider.Label className="field-label">{label}</Slider.Label>
      <Slider.Value className="slider-value">{() => `${value} %`}</Slider.Value>
      <Slider.Control className="slider-control">
        <Slider.Track className="slider-track">
          <Slider.Indicator className="slider-indicator" />
          <Slider.Thumb className="slider-thumb" aria-label={label} />
        </Slider.Track>
      </Slider.Control>
    </Slider.Root>
  );
}

export type FlagProps = {
  readonly label: string;
  readonly value: boolean;
  readonly onChange: (value: boolean) => void;
};

export function Flag({ label, value, onChange }: FlagProps) {
  const id = useId();
  return (
    <div className="flag">
      <Switch.Root
        className="switch"
        aria-labelledby={id}
        checked={value}
        onCheckedChange={onChange}
      >
        <Switch.Thumb className="switch-thumb" />
      </Switch.Root>
      <span id={id}>{label}</span>
    </div>
  );
}
