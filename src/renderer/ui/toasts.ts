import { createStore, type StoreApi } from "zustand/vanilla";
import { type BerthError } from "../../contract/berth-error.ts";
import { fromConnectError } from "../../contract/connect-error.ts";

/** How long a message stays that asks for nothing. What failed stays until it was read. */
const infoLifetimeMs = 5000;
const maxToasts = 4;

export interface Toast {
  readonly id: number;
  /** What was done, or what failed; the latter is put into words where it is shown. */
  readonly message: string | BerthError;
  readonly action?: { readonly label: string; readonly run: () => void } | undefined;
}

/** Short messages at the window's corner about what was done or was not. */
export class Toasts {
  readonly list: StoreApi<readonly Toast[]> = createStore<readonly Toast[]>(() => []);
  #nextId = 1;

  info(title: string, action?: Toast["action"]): void {
    const id = this.#add({ message: title, action });
    setTimeout(() => this.dismiss(id), infoLifetimeMs);
  }

  /** Tells of whatever was thrown by a call. */
  failed(thrown: unknown, action?: Toast["action"]): BerthError {
    const error = fromConnectError(thrown);
    this.#add({ message: error, action });
    return error;
  }

  dismiss(id: number): void {
    this.list.setState((toasts) => toasts.filter((toast) => toast.id !== id), true);
  }

  #add(toast: Omit<Toast, "id">): number {
    const id = this.#nextId++;
    this.list.setState((toasts) => [...toasts.slice(1 - maxToasts), { ...toast, id }], true);
    return id;
  }
}
