import { type ReactNode, useEffect } from 'react';

export type PageHeadProps = {
  readonly title: string;
  /** Title of the window, where it says more. */
  readonly windowTitle?: string;
  readonly lead?: ReactNode;
  readonly children?: ReactNode;
};

/** A page's heading, which is the window's title as well. */
export function PageHead({ title, windowTitle = title, lead, children }: PageHeadProps) {
  useEffect(() => {
    document.title = `${windowTitle} · Umbra`;
  }, [windowTitle]);
  return (
    <div className="head">
      <div className="head-words">
        <h1>{title}</h1>
        {lead !== undefined && <p className="lead">{lead}</p>}
      </div>
      {children}
    </div>
  );
}
