import { Dialog } from '@base-ui/react/dialog';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { readPicture, useObjectUrl } from '../api/pictures.js';
import { Loading, Trouble } from './states.js';
import { ZoomStage } from './zoom-stage.js';

export type PictureProps = {
  /** Address of the picture, at the service. */
  readonly path: string;
  /** Says what it shows. */
  readonly alt: string;
  /** Page that the path asks for, of a picture with pages. */
  readonly page?: number;
  /** Opens another page. */
  readonly onPage?: (page: number) => void;
};

/** How long a drawn picture stays in memory when nothing shows it, ms. */
const keptMs = 30_000;

/** A picture that the service draws, with its pages; it opens in a stage of the window's size. */
export function Picture({ path, alt, page = 1, onPage }: PictureProps) {
  const { data, error, refetch, isFetching } = useQuery({
    queryKey: ['picture', path],
    queryFn: ({ signal }) => readPicture(path, page, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: keptMs,
  });
  const url = useObjectUrl(data?.blob ?? null);
  if (error !== null && !isFetching)
    return <Trouble error={error} onRetry={() => void refetch()} />;
  if (data === undefined || url === null) return <Loading what="the picture" />;
  return (
    <div className="picture">
      <EnlargedPicture url={url} alt={alt} />
      {data.pages > 1 && onPage !== undefined && (
        <PageSteps page={page} pages={data.pages} onPage={onPage} />
      )}
    </div>
  );
}

type PageStepsProps = {
  readonly page: number;
  readonly pages: number;
  readonly onPage: (page: number) => void;
};

const PageSteps = ({ page, pages, onPage }: PageStepsProps) => (
  <nav className="row" aria-label="Pages of the picture">
    <button type="button" className="button" disabled={page <= 1} onClick={() => onPage(page - 1)}>
      Previous page
    </button>
    <span className="note">
      Page {page} of {pages}
    </span>
    <button
      type="button"
      className="button"
      disabled={page >= pages}
      onClick={() => onPage(page + 1)}
    >
      Next page
    </button>
  </nav>
);

type EnlargedPictureProps = { readonly url: string; readonly alt: string };

function EnlargedPicture({ url, alt }: EnlargedPictureProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <Dialog.Root open={isOpen} onOpenChange={setOpen}>
      <Dialog.Trigger className="picture-open" aria-label={`Enlarge: ${alt}`}>
        <img src={url} alt={alt} />
        <span className="picture-hint" aria-hidden="true">
          Enlarge
        </span>
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="zoom">
          <Dialog.Title className="zoom-title">{alt}</Dialog.Title>
          <ZoomStage url={url} alt={alt}>
            <Dialog.Close className="button">Close</Dialog.Close>
          </ZoomStage>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
