import { useEffect, useRef, useState } from 'react';
import { reportSections, type SectionName } from './report-section.js';

export type ReportContentsProps = { readonly names: readonly SectionName[] };

/** Leads to the sections of a report, and marks the one that is read. */
export function ReportContents({ names }: ReportContentsProps) {
  const current = useSectionInSight(names);
  const list = useRef<HTMLElement>(null);
  // A phone has no room for all of them. Only the list scrolls, and not the page with it.
  useEffect(() => {
    const link = list.current?.querySelector<HTMLElement>(`[href="#${current}"]`);
    if (list.current && link) {
      list.current.scrollLeft = link.offsetLeft - (list.current.clientWidth - link.offsetWidth) / 2;
    }
  }, [current]);
  return (
    <nav ref={list} className="report-contents" aria-label="Sections of the report">
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
    const sections = listed.split(' ').flatMap((name) => document.getElementById(name) ?? []);
    const isAbove = (section: Element) => section.getBoundingClientRect().top <= innerHeight / 5;
    // A jump to the top, where none crosses the line, leaves it too.
    const observer = new IntersectionObserver(
      () => setCurrent((sections.findLast(isAbove) ?? sections[0])?.id as SectionName),
      { rootMargin: readingLine },
    );
    for (const section of sections) observer.observe(section);
    return () => observer.disconnect();
  }, [listed]);
  return current;
}
