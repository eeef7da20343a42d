import { Component, type ReactNode } from 'react';
import { ask } from '../api/http.js';
import { Trouble } from './states.js';

type Props = { readonly children: ReactNode };
type State = { readonly error: Error | null };

/** Keeps what is around a page where the page itself fails, and says so. */
export class PageBoundary extends Component<Props, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return <Trouble error={error} onRetry={() => void reload()} />;
  }
}

/** Load the page anew once the service answers: before that, the browser would have nothing to show. */
async function reload(): Promise<void> {
  await ask(location.pathname).then(
    () => location.reload(),
    () => undefined,
  );
}
