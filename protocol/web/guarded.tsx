import { Component, type ComponentChildren } from 'preact';

interface Props {
  readonly children: ComponentChildren;
}

/** A page with a fault says so, and leaves the rest of the screen as it is. */
export class Guarded extends Component<Props, { readonly fault?: string }> {
  static override getDerivedStateFromError(error: unknown) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }

  override render() {
    const { fault } = this.state;
    if (fault === undefined) return this.props.children;
    return (
      <p class="note bad" role="alert">
        <strong>This cannot be shown.</strong> Load the page again; if it stays like this, tell the
        authors: {fault}
      </p>
    );
  }
}
