import { useEffect, useState } from 'react';
import { reportSections, type SectionName } from './report-section.js';

export type ReportContentsProps = { readonly names: readonly SectionName[] };

/** Leads to the sections of a report, and marks the one that is read. */
export function ReportContents({ names }: ReportContentsProps) {
  const current = useSectionInSight(names);
  return (
    <nav className="report-contents" aria-label="Sections of the report">
      {names.map((name) => (
        <a key={name} href={`#${name}`} aria-current={name === current ? 'location' : undefined}>
          {reportSections[name]}
        </a>
      ))}
    </nav>
  );
}

/** A line a fifth below the window's top: the section that crosses it is read. */
const readingLine = '-20% 0px -80% 0px';

function useSectionInSight(names: readonly SectionName[]): SectionName | null {
  const [current, setCurrent] = useState<SectionName | null>(null);
  const listed = names.join(' ');
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => {
        const found = entries.find(({ isIntersecting }) => isIntersecting);
        if (found !== undefined) setCurrent(found.target.id as SectionName);
      },
      { rootMargin: readingLine },
    );
    for (const name of listed.split(' ')) {
      const section = document.getElementById(name);
      if (section !== null) observer.observe(section);
    }
    return () => observer.disconnect();
  }, [listed]);
  return current;
}
