import { type FormEvent, useId, useMemo, useState } from 'react';
import type { ClassReport, JobReport } from '../api/reports.js';
import { RegionMap } from '../charts/region-map.js';
import { latticeLimit, readLattice } from '../lib/lattice.js';
import { noRegion, readRegion, regionSides, regionWords } from '../lib/region.js';
import { FailureWords } from '../parts/states.js';
import { TextField } from '../parts/text-field.js';
import { TrialView } from './report-trial.js';
import { useTrials, useTry } from './use-trials.js';

export type RegionTrialProps = { readonly report: JobReport; readonly one: ClassReport };

/** A box of the input is chosen on a class's mean map, and what it causes is tried. */
export function RegionTrial({ report: { job, lattice, classes }, one }: RegionTrialProps) {
  const { class: of } = one;
  const id = useId();
  const map = useMemo(() => {
    const read = ({ atlas }: ClassReport) => readLattice(atlas.input.mean, lattice);
    // As the scale of the atlas is.
    return { lattice: read(one), limit: latticeLimit(classes.map(read)) };
  }, [one, classes, lattice]);
  const [fields, setFields] = useState(noRegion);
  const [isAsked, setAsked] = useState(false);
  const { mutate, isPending, error } = useTry(job);
  const read = readRegion(fields);
  const errors = isAsked && 'errors' in read ? read.errors : {};
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (!('region' in read)) return;
    // Several classes may have the label.
    const index = of.index ?? undefined;
    mutate({ kind: 'region', class: of.label, index, region: read.region });
  };
  return (
    <li className="cluster region" aria-labelledby={id}>
      <h3 id={id}>Try a region of {of.label}</h3>
      <form className="region-form" noValidate onSubmit={submit}>
        <RegionMap
          {...map}
          scale="around-0"
          alt={`Mean map of ${of.label}, on which a box is dragged`}
          fields={fields}
          onFields={setFields}
        />
        <div className="region-words">
          <p className="note">
            Drag a box on the map, or type its sides. It is covered in images of {of.label} and
            pasted onto others, beside as much elsewhere.
          </p>
          <div className="region-sides">
            {regionSides.map((side) => (
              <TextField
                key={side}
                label={`${side[0]?.toUpperCase()}${side.slice(1)}, %`}
                type="number"
                min={0}
                max={100}
                value={fields[side]}
                onChange={(text) => setFields({ ...fields, [side]: text })}
                error={errors[side]}
              />
            ))}
          </div>
          <div className="row">
            <button type="submit" className="button button-try" disabled={isPending}>
              Try it
            </button>
            <FailureWords error={error} />
          </div>
        </div>
      </form>
      <LatestTrial job={job} of={of} />
    </li>
  );
}

/** The last trial of a region of the class. */
function LatestTrial({ job, of }: { readonly job: string; readonly of: ClassReport['class'] }) {
  const { data: trials = [] } = useTrials(job);
  for (const trial of trials) {
    const asked = trial.request.of;
    if (asked.kind !== 'region' || trial.class?.index !== of.index) continue;
    return (
      <>
        <h4>The last one: {regionWords(asked.region)}</h4>
        <TrialView trial={trial} />
      </>
    );
  }
  return null;
}
