import { Link } from 'wouter';
import { PageHead } from '../parts/page-head.js';

export const NotFoundPage = () => (
  <PageHead
    title="There is no such page"
    lead={
      <>
        <Link href="/">Explain a photo</Link>, or look at the <Link href="/jobs">jobs</Link>.
      </>
    }
  />
);
