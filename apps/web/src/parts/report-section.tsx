import { reportDocsPath } from '@umbra/shared/offline-page';
import { type ReactNode, useState } from 'react';
import { Link } from 'wouter';
import type { ImageOfJob } from '../api/images.js';
import { filePath } from '../api/images.js';
import { addressOf, isService, keptImages } from '../api/source.js';

/** The sections of a report: their anchors, and what they are called in its list of contents. */
export const reportSections = {
  summary: 'Summary',
  classes: 'Classes',
  place: 'Place',
  patches: 'Patches',
  flips: 'Flips',
  trust: 'Trust',
  suspects: 'Suspects',
  against: 'Against',
} as const;
export type SectionName = keyof typeof reportSections;

export type ReportSectionProps = {
  readonly id: SectionName;
  readonly title: string;
  /** One sentence of what is shown. */
  readonly explain: ReactNode;
  /** What changes how it is shown. */
  readonly controls?: ReactNode;
  readonly children: ReactNode;
};

export const ReportSection = ({ id, title, explain, controls, children }: ReportSectionProps) => (
  <section className="report-section" id={id} aria-labelledby={`${id}-title`}>
    <div className="report-section-head">
      <div className="report-section-words">
        <h2 id={`${id}-title`}>{title}</h2>
        <p className="note">
          {explain} <Definitions />
        </p>
      </div>
      {controls !== undefined && <div className="report-controls">{controls}</div>}
    </div>
    {children}
  </section>
);

/** A link to what each number is; a file has it within, for which browsers open no page. */
const Definitions = () => (
  <a
    href={addressOf(reportDocsPath) ?? undefined}
    {...(!isService() && { download: reportDocsPath.slice(1) })}
  >
    Definitions
  </a>
);

export const Nothing = ({ children }: { readonly children: ReactNode }) => (
  <p className="report-nothing">{children}</p>
);

export type MoreProps<T> = {
  readonly items: readonly T[];
  /** How many are shown at first, and with each press. */
  readonly step: number;
  readonly noun: string;
  readonly children: (shown: readonly T[]) => ReactNode;
};

/** The first of many, and a button for more of them. */
export function More<T>({ items, step, noun, children }: MoreProps<T>) {
  const [most, setMost] = useState(step);
  return (
    <>
      {children(items.slice(0, most))}
      {items.length > most && (
        <p className="report-more">
          <button type="button" className="button" onClick={() => setMost(most + step)}>
            Show {Math.min(step, items.length - most).toLocaleString('en')} more
          </button>
          <span className="note">
            {most.toLocaleString('en')} of {items.length.toLocaleString('en')} {noun}
          </span>
        </p>
      )}
    </>
  );
}

export type ImageLinkProps = {
  readonly of: ImageOfJob;
  readonly className?: string;
  readonly children: ReactNode;
};

/** A link to an image's page; without one where a file has not kept it. */
export function ImageLink({ of, className, children }: ImageLinkProps) {
  const kept = keptImages();
  if (kept !== null && !kept.includes(of.image)) {
    return <span className={className}>{children}</span>;
  }
  return (
    <Link className={className} href={`/jobs/${of.job}/images/${of.image}`}>
      {children}
    </Link>
  );
}

/** A picture of the service, or an empty place where there is none. */
export function SmallPicture({ path, alt }: { readonly path: string; readonly alt: string }) {
  const [isGone, setGone] = useState(false);
  const address = addressOf(path);
  return (
    <span className="small-picture">
      {address !== null && !isGone && (
        <img
          src={address}
          alt={alt}
          loading="lazy"
          decoding="async"
          onError={() => setGone(true)}
        />
      )}
    </span>
  );
}

export const thumbnailPath = (of: ImageOfJob): string => filePath(of, 'thumbnail.webp');

/** The file's name without its folders. */
export const lastName = (name: string): string => name.split('/').at(-1) ?? name;

export type ScrolledTableProps = {
  readonly label: string;
  readonly className?: string;
  readonly children: ReactNode;
};

/** A table that scrolls by itself where it is wider than the page, by keys, too. */
export const ScrolledTable = ({ label, className = '', children }: ScrolledTableProps) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: keys scroll what has the focus.
  <section className="scroller" aria-label={label} tabIndex={0}>
    <table className={`table ${className}`}>{children}</table>
  </section>
);
