import { useState } from 'preact/hooks';
import { ConfirmButton } from '../../protocol/web/confirm-button.tsx';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import type { CommandView } from '../src/core/fleet-views.ts';
import { api } from './api.ts';
import { issue, Issued } from './issue.tsx';
import { useAction } from './use-action.ts';

interface ActionsProps {
  readonly device: string;
  readonly role: string;
  /** Somebody wants to tell the device something of this kind. */
  readonly tell: (kind: 'run.signal' | 'run.start') => void;
  /** What is known of the device has changed. */
  readonly changed: () => void;
}

/** What can be done with a device, by those who may. */
export function DeviceActions({ device, role, tell, changed }: ActionsProps) {
  const [run, problem, isBusy] = useAction();
  const [issued, setIssued] = useState<CommandView | undefined>();
  const [isRevoked, setRevoked] = useState(false);
  if (role === 'viewer') return null;
  const rotate = () => run(async () => setIssued(await issue(device, { kind: 'key.rotate' })));
  const revoke = () =>
    run(async () => {
      await api.ask('POST /api/devices/{id}/revoke', { params: { id: device } });
      setRevoked(true);
      changed();
    });
  return (
    <div class="deeds">
      <p class="actions">
        <button type="button" onClick={() => tell('run.signal')}>
          Signal
        </button>
        <button type="button" onClick={() => tell('run.start')}>
          Command
        </button>
        {role === 'admin' && (
          <ConfirmButton
            title="Rotate key"
            sure="Have it take a new key"
            disabled={isBusy}
            act={rotate}
          />
        )}
        {role === 'admin' && (
          <ConfirmButton
            title="Revoke this device"
            sure="Take nothing from it any more"
            disabled={isBusy}
            act={revoke}
          />
        )}
      </p>
      <ProblemNote problem={problem} />
      <Issued command={issued} />
      {isRevoked && (
        <p class="note good" role="status">
          Nothing of {device} counts any more. It comes back by <a href="#/enrolment">enrolment</a>.
        </p>
      )}
    </div>
  );
}
