import { Fragment, useMemo, useState } from 'react';
import type { ClassReport, JobReport } from '../api/reports.js';
import { isService } from '../api/source.js';
import { type AxisSpan, Interval, spanOf } from '../charts/interval.js';
import { LatticeMap } from '../charts/lattice-map.js';
import { RunningMean } from '../charts/running-mean.js';
import { ColourScale } from '../heat/colour-scale.js';
import { type Lattice, latticeLimit, peakOf, readLattice } from '../lib/lattice.js';
import { enoughWords, formatEstimate, formatNumber } from '../lib/report-words.js';
import { Segmented } from '../parts/choices.js';
import { More, Nothing, ReportSection } from '../parts/report-section.js';
import { TextField } from '../parts/text-field.js';
import { RegionTrial } from './report-region.js';

type AtlasView = {
  readonly frame: 'input' | 'object';
  readonly what: 'mean' | 'deviation';
};

const shownAtOnce = 20;
/** From so many classes on one is looked for by its name. */
const manyClasses = 12;

/** The mean map of each class. */
export function ReportAtlas({ report }: { readonly report: JobReport }) {
  const { classes } = report;
  const [view, setView] = useState<AtlasView>({ frame: 'input', what: 'mean' });
  const [name, setName] = useState('');
  const hasObjects = classes.some(({ atlas }) => atlas.object !== null);
  const wanted = name.trim().toLowerCase();
  const found = classes.filter(({ class: { label } }) => label.toLowerCase().includes(wanted));
  return (
    <ReportSection
      id="classes"
      title="Class atlas"
      explain={
        view.frame === 'input'
          ? 'Where covering costs each class its score, averaged over its images, in the frame that the model sees.'
          : 'The same around the labelled object: its box is the middle of each map, drawn as a frame.'
      }
      controls={
        <>
          {classes.length > manyClasses && (
            <TextField label="Class contains" value={name} onChange={setName} />
          )}
          <AtlasControls view={view} change={setView} hasObjects={hasObjects} />
        </>
      }
    >
      {classes.length === 0 ? (
        <Nothing>No image has been read yet.</Nothing>
      ) : (
        <AtlasMaps report={report} classes={found} view={view} />
      )}
    </ReportSection>
  );
}

type AtlasControlsProps = {
  readonly view: AtlasView;
  readonly change: (view: AtlasView) => void;
  readonly hasObjects: boolean;
};

const AtlasControls = ({ view, change, hasObjects }: AtlasControlsProps) => (
  <>
    <Segmented
      label="What is mapped"
      choices={[
        { value: 'mean', label: 'Mean' },
        { value: 'deviation', label: 'Spread' },
      ]}
      value={view.what}
      onChange={(what) => change({ ...view, what })}
    />
    {hasObjects && (
      <Segmented
        label="Frame"
        choices={[
          { value: 'input', label: 'Input' },
          { value: 'object', label: 'Object' },
        ]}
        value={view.frame}
        onChange={(frame) => change({ ...view, frame })}
      />
    )}
  </>
);

type AtlasMapsProps = {
  readonly report: JobReport;
  readonly classes: readonly ClassReport[];
  readonly view: AtlasView;
};

function AtlasMaps({ report, classes, view }: AtlasMapsProps) {
  const { lattice, classes: all } = report;
  const [tried, setTried] = useState<ClassReport['class'] | null>(null);
  const maps = useMemo(() => {
    const read = (one: ClassReport): Lattice | null => {
      const atlas = one.atlas[view.frame];
      return atlas === null ? null : readLattice(atlas[view.what], lattice);
    };
    return new Map(all.map((one) => [one, read(one)]));
  }, [all, lattice, view]);
  const limit = useMemo(
    () => latticeLimit([...maps.values()].filter((map) => map !== null)),
    [maps],
  );
  const span = useMemo(() => spanOf(all.map(({ drop }) => drop)), [all]);
  return (
    <>
      <div className="atlas-scale">
        <ColourScale
          limit={limit}
          {...(view.what === 'deviation' && { words: spreadWords, isFromZero: true })}
        />
      </div>
      <More items={classes} step={shownAtOnce} noun="classes">
        {(shown) => (
          <ul className="atlas">
            {shown.map((one) => (
              <Fragment key={keyOf(one.class)}>
                <AtlasClass
                  {...{ one, span, limit, view }}
                  map={maps.get(one) ?? null}
                  isTried={isSame(tried, one.class)}
                  onTry={setTried}
                />
                {isSame(tried, one.class) && <RegionTrial report={report} one={one} />}
              </Fragment>
            ))}
          </ul>
        )}
      </More>
    </>
  );
}

const keyOf = ({ index, label }: ClassReport['class']): string => `${index} ${label}`;
const isSame = (a: ClassReport['class'] | null, b: ClassReport['class']): boolean =>
  a !== null && keyOf(a) === keyOf(b);

const spreadWords = { blue: 'the same in every image', red: 'differs from image to image' };

type AtlasClassProps = {
  readonly one: ClassReport;
  readonly map: Lattice | null;
  readonly limit: number;
  readonly span: AxisSpan;
  readonly view: AtlasView;
  /** Whether a region of it is being tried. */
  readonly isTried: boolean;
  readonly onTry: (of: ClassReport['class'] | null) => void;
};

function AtlasClass({ one, map, limit, span, view, isTried, onTry }: AtlasClassProps) {
  const { class: of, images, drop, running, enough } = one;
  const scale = view.what === 'mean' ? 'around-0' : 'from-0';
  return (
    <li className="atlas-class">
      {map === null ? (
        <Nothing>No image has a box.</Nothing>
      ) : (
        <LatticeMap
          lattice={map}
          {...{ limit, scale }}
          hasBox={view.frame === 'object'}
          alt={altOf(one, map, view)}
        />
      )}
      <div className="atlas-name">
        <h3 title={of.label}>{of.label}</h3>
        <span className="note">n {images.toLocaleString('en')}</span>
      </div>
      <div className="atlas-drop">
        <span className="note">Drop</span>
        <span>{formatEstimate(drop, formatNumber)}</span>
        <Interval estimate={drop} span={span} />
      </div>
      <div className="atlas-enough" data-enough={enough.images !== null}>
        <RunningMean running={running} enough={enough} />
        <span className="note">{enoughWords({ running, enough })}</span>
      </div>
      {isService() && of.index !== null && (
        <button
          type="button"
          className="button"
          aria-expanded={isTried}
          aria-label={`Try a region of ${of.label}`}
          onClick={() => onTry(isTried ? null : of)}
        >
          Try a region
        </button>
      )}
    </li>
  );
}

function altOf({ class: of, atlas }: ClassReport, map: Lattice, view: AtlasView): string {
  const peak = peakOf(map);
  const what = view.what === 'mean' ? 'Mean map' : 'Spread';
  const where = view.frame === 'input' ? 'the input' : 'the frame around the object';
  const start = `${what} of ${of.label} over ${(atlas[view.frame]?.images ?? 0).toLocaleString('en')} images`;
  return peak === null
    ? `${start}: nothing is known`
    : `${start}: largest at the ${peak.place} of ${where}, ${formatNumber(peak.value)}`;
}
