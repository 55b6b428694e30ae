import { useState } from 'preact/hooks';

/** A button for what cannot be taken back: it asks, and the second press does it. */
export function ConfirmButton(props: {
  readonly title: string;
  /** What the second press says. */
  readonly sure: string;
  readonly label?: string;
  readonly disabled?: boolean;
  readonly act: () => void;
}) {
  const { title, sure, label, disabled = false, act } = props;
  const [isAsking, setAsking] = useState(false);
  const press = () => {
    setAsking(!isAsking);
    if (isAsking) act();
  };
  return (
    <button
      type="button"
      disabled={disabled}
      {...(isAsking ? { class: 'bad' } : label !== undefined && { 'aria-label': label })}
      onClick={press}
      onBlur={() => setAsking(false)}
    >
      {isAsking ? sure : title}
    </button>
  );
}
