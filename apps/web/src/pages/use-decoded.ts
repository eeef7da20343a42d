import { useEffect, useState } from 'react';

/** Whether the picture at an address is here and can be shown. */
export function useDecoded(url: string | null): boolean {
  const [isDecoded, setDecoded] = useState(false);
  useEffect(() => {
    setDecoded(false);
    if (url === null) return;
    const image = new Image();
    image.onload = () => setDecoded(true);
    image.src = url;
    return () => {
      image.onload = null;
    };
  }, [url]);
  return isDecoded;
}
