import type { Size } from '@umbra/shared/occlusion/grid';
import { useEffect, useState } from 'react';

/** Extent of a photo as it is shown, upright, px; null until it is decoded. */
export function usePhotoSize(url: string | null): Size | null {
  const [size, setSize] = useState<Size | null>(null);
  useEffect(() => {
    setSize(null);
    if (url === null) return;
    const image = new Image();
    image.onload = () => setSize({ height: image.naturalHeight, width: image.naturalWidth });
    image.src = url;
    return () => {
      image.onload = null;
    };
  }, [url]);
  return size;
}
