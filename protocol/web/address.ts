import { useEffect, useState } from 'preact/hooks';

/** The part of the address behind `#`, cut at its slashes, each part as it was before encoding. */
export type Address = readonly string[];

/** Where somebody is: it changes with the address bar, links and the way back. */
export function useAddress(): Address {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => {
      setHash(location.hash);
      // For those who do not see that the page has changed.
      document.querySelector('main')?.focus();
    };
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return hash.replace(/^#\/?/, '').split('/').map(decoded);
}

/** An address that was typed by hand may be encoded wrongly: then it is taken as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
