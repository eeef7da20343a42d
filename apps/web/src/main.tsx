import { CSPProvider } from '@base-ui/react/csp-provider';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { mayPass } from './api/polling.js';
import { App } from './app.js';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/pages.css';
import './styles/model.css';
import './styles/workers.css';
import './styles/wall.css';
import './styles/new-job.css';
import './styles/compare.css';

const queries = new QueryClient({
  defaultOptions: {
    // Only what may pass is asked for again by itself.
    queries: {
      retry: (failures, error) => failures < 2 && mayPass(error),
      refetchOnWindowFocus: ({ state }) => mayPass(state.error),
      refetchOnReconnect: ({ state }) => mayPass(state.error),
      staleTime: 2_000,
    },
  },
});

const root = document.getElementById('root');
if (root === null) throw new Error("Expected an element with the id 'root'");
createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <App />
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
);
