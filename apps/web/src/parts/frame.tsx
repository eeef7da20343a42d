import { type ReactNode, type RefObject, useEffect, useRef } from 'react';
import { Link, useLocation } from 'wouter';

export type FrameProps = {
  /** Beside the name, at the top. */
  readonly bar: ReactNode;
  /** Between the top and the content. */
  readonly notice?: ReactNode;
  /** At the bottom. */
  readonly foot: ReactNode;
  readonly children: ReactNode;
};

/** What surrounds every page: a link past the navigation, the top, the page's landmark, and the bottom. */
export function Frame({ bar, notice, foot, children }: FrameProps) {
  const [location] = useLocation();
  const main = useFocusOn(location);
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="bar">
        <Link href="/" className="brand">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <circle cx="16" cy="16" r="13" fill="none" stroke="currentColor" strokeWidth="2.5" />
            <path d="M16 3a13 13 0 0 1 0 26z" fill="currentColor" />
          </svg>
          Umbra
        </Link>
        {bar}
      </header>
      {notice}
      <main id="main" tabIndex={-1} ref={main}>
        {children}
      </main>
      <footer className="foot">
        <span>Umbra explains image classifiers by covering what they see.</span>
        {foot}
      </footer>
    </>
  );
}

/** After a step to another page, keys and screen readers go on from its beginning. */
function useFocusOn(location: string): RefObject<HTMLElement | null> {
  const main = useRef<HTMLElement>(null);
  const last = useRef(location);
  useEffect(() => {
    if (last.current === location) return;
    last.current = location;
    main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [location]);
  return main;
}
