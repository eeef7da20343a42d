import { CSPProvider } from '@base-ui/react/csp-provider';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { answerFrom } from './api/source.js';
import { findAnswers } from './offline/kept-answers.js';
import { OfflineApp } from './offline/offline-app.js';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/pages.css';

// Those of single pages, too.
import.meta.glob('./styles/*.css', { eager: true });

// What is kept never changes, and is there without a network.
const networkMode = 'always';
const queries = new QueryClient({
  defaultOptions: {
    queries: { networkMode, retry: false, staleTime: Number.POSITIVE_INFINITY },
    mutations: { networkMode },
  },
});

const root = document.getElementById('root');
if (root === null) throw new Error("Expected an element with the id 'root'");
const { contents, source } = findAnswers(document);
answerFrom(source);
createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <OfflineApp contents={contents} />
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
);
