// In the page's own world: what contextBridge would have put there, as functions that ask the isolated world.
(() => {
  if (window.top !== window) return;
  const waiting = new Map();
  const callbacks = new Map();
  let next = 1;

  /** A copy of a file has lost its path; a DataTransfer takes the file itself to the other world. */
  function sendFile(file) {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(file);
    window.dispatchEvent(new DragEvent("standin:file", { dataTransfer }));
    return { standinFile: true };
  }

  function call(path, args) {
    const id = next++;
    const sent = args.map((arg) => {
      if (arg instanceof File) return sendFile(arg);
      if (typeof arg !== "function") return arg;
      const callback = next++;
      callbacks.set(callback, arg);
      return { standinCallback: callback };
    });
    let answer;
    waiting.set(id, (given) => (answer = given));
    window.dispatchEvent(new CustomEvent("standin:call", { detail: { id, path, args: sent } }));
    if (answer.kind === "value") return answer.value;
    if (answer.kind === "function") return (...rest) => call(answer.path, rest);
    if (answer.kind === "error") throw new Error(answer.message);
    return new Promise((resolve, reject) => {
      waiting.set(id, (given) => (given.kind === "error" ? reject(new Error(given.message)) : resolve(given.value)));
    });
  }

  window.addEventListener("standin:expose", ({ detail }) => {
    const api = {};
    for (const [name, value] of Object.entries(detail.values)) api[name] = value;
    for (const name of detail.functions) api[name] = (...args) => call(`${detail.key}.${name}`, args);
    Object.defineProperty(window, detail.key, { value: Object.freeze(api), enumerable: true });
  });
  window.addEventListener("standin:answer", ({ detail }) => {
    const take = waiting.get(detail.id);
    waiting.delete(detail.id);
    take?.(detail);
  });
  window.addEventListener("standin:callback", ({ detail }) => callbacks.get(detail.callback)?.(...detail.args));
})();
