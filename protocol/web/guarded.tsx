import { Component, type ComponentChildren } from 'preact';

interface Props {
  readonly children: ComponentChildren;
  /** Where there is no room to say anything. */
  readonly isQuiet?: boolean;
}

/** A page with a fault says so, and leaves the rest of the screen as it is. */
export class Guarded extends Component<Props, { readonly fault?: string | undefined }> {
  static override getDerivedStateFromError(error: unknown) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }

  override render() {
    const { fault } = this.state;
    if (fault === undefined) return this.props.children;
    if (this.props.isQuiet === true) return null;
    return (
      <div class="note bad" role="alert">
        <p>
          <strong>This cannot be shown.</strong> What answers may be no gateway of ours; if it stays
          like this, tell the authors: <code>{fault}</code>
        </p>
        <p>
          <button type="button" onClick={() => this.setState({ fault: undefined })}>
            Try again
          </button>
        </p>
      </div>
    );
  }
}
