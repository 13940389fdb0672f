import { Component, type ReactNode } from "react";
import type { Strings } from "../i18n/strings.ts";
import { Button } from "../ui/button.tsx";
import { EmptyState } from "../ui/states.tsx";

interface Props {
  readonly strings: Strings["shell"];
  /** Another value means another screen, which deserves a try. */
  readonly resetKey: string;
  readonly children: ReactNode;
}

interface State {
  readonly error: Error | undefined;
  readonly resetKey: string;
}

/** Keeps a fault of one screen from taking the whole window along. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { error: undefined, resetKey: this.props.resetKey };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  static getDerivedStateFromProps({ resetKey }: Props, state: State) {
    return resetKey === state.resetKey ? null : { error: undefined, resetKey };
  }

  override render() {
    const { strings, children } = this.props;
    const { error } = this.state;
    if (error === undefined) return children;
    return (
      <div role="alert" className="h-full">
        <EmptyState
          heading="h1"
          title={strings.crashedTitle}
          actions={
            <>
              <Button onClick={() => this.setState({ error: undefined })}>{strings.retry}</Button>
              <Button onClick={() => window.location.reload()}>{strings.reload}</Button>
            </>
          }
        >
          {strings.crashedDetail} <code className="font-mono select-text">{error.message}</code>
        </EmptyState>
      </div>
    );
  }
}
