import { useApp } from "../../app/context.ts";

/** Does something at once that needs no question, and tells whether it worked. */
export function useDo(onDone: () => void): (work: () => Promise<unknown>, done: string) => Promise<void> {
  const { toasts } = useApp();
  return async (work, done) => {
    try {
      await work();
      toasts.info(done);
    } catch (failure) {
      toasts.failed(failure);
    }
    onDone();
  };
}
