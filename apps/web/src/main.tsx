import { CSPProvider } from '@base-ui/react/csp-provider';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ServiceError } from './api/http.js';
import { App } from './app.js';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/pages.css';

/** Only what may pass is asked for again by itself. */
const mayPass = (error: Error): boolean =>
  !(error instanceof ServiceError) || error.code === 'offline' || error.code === 'unavailable';

const queries = new QueryClient({
  defaultOptions: {
    queries: { retry: (failures, error) => failures < 2 && mayPass(error), staleTime: 2_000 },
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
