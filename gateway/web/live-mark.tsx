import { useEffect, useState } from 'preact/hooks';
import { watchLive } from './changes.ts';

/** A gateway that starts again is back before anybody has to be told. */
const PATIENCE_MS = 1_500;

/** Whether the page follows what happens, or shows what was known last. */
export function LiveMark() {
  const [isLive, setLive] = useState<boolean | undefined>();
  useEffect(() => {
    let late: ReturnType<typeof setTimeout> | undefined;
    const stop = watchLive((live) => {
      clearTimeout(late);
      if (live) setLive(true);
      else late = setTimeout(() => setLive(false), PATIENCE_MS);
    });
    return () => {
      clearTimeout(late);
      stop();
    };
  }, []);
  return (
    <span role="status" class={`state ${isLive === false ? 'watch' : 'calm'}`}>
      {isLive === false && 'no connection: trying again'}
      {isLive === true && (
        <>
          <span aria-hidden="true">●</span> live
        </>
      )}
    </span>
  );
}
