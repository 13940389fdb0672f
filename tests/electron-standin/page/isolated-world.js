// In a world of its own beside the page: runs the preload as Electron does. The words in capitals are put in.
(() => {
  if (window.top !== window) return;
  const listeners = new Map();
  const invocations = new Map();
  const functions = new Map();
  let next = 1;
  const files = new Map();
  window.standinFiles = files;

  function ask(message) {
    const id = next++;
    return new Promise((resolve, reject) => {
      invocations.set(id, { resolve, reject });
      window.standinSend(JSON.stringify({ ...message, id }));
    });
  }

  const ipcRenderer = {
    invoke: (channel, ...args) => ask({ kind: "invoke", channel, args }),
    on: (channel, listener) => void listeners.set(channel, [...(listeners.get(channel) ?? []), listener]),
    off: (channel, listener) =>
      void listeners.set(
        channel,
        (listeners.get(channel) ?? []).filter((each) => each !== listener),
      ),
  };
  const webUtils = {
    // Electron answers at once; here the path is asked of the browser.
    getPathForFile: (file) => {
      const key = next++;
      files.set(key, file);
      return ask({ kind: "path", key });
    },
  };
  const contextBridge = {
    exposeInMainWorld: (key, api) => {
      const names = Object.keys(api).filter((name) => typeof api[name] === "function");
      for (const name of names) functions.set(`${key}.${name}`, api[name]);
      const values = Object.fromEntries(Object.entries(api).filter(([, value]) => typeof value !== "function"));
      window.dispatchEvent(new CustomEvent("standin:expose", { detail: { key, functions: names, values } }));
    },
  };

  const answer = (detail) => window.dispatchEvent(new CustomEvent("standin:answer", { detail }));

  let sentFile;
  window.addEventListener("standin:file", ({ dataTransfer }) => (sentFile = dataTransfer.files[0]));
  window.addEventListener("standin:call", ({ detail: { id, path, args } }) => {
    const given = args.map((arg) => {
      if (arg?.standinFile === true) return sentFile;
      const callback = arg?.standinCallback;
      if (callback === undefined) return arg;
      return (...rest) => window.dispatchEvent(new CustomEvent("standin:callback", { detail: { callback, args: rest } }));
    });
    try {
      const result = functions.get(path)(...given);
      if (typeof result === "function") {
        const returned = `returned.${next++}`;
        functions.set(returned, result);
        answer({ id, kind: "function", path: returned });
      } else if (typeof result?.then === "function") {
        answer({ id, kind: "promise" });
        result.then(
          (value) => answer({ id, kind: "value", value }),
          (error) => answer({ id, kind: "error", message: error.message }),
        );
      } else answer({ id, kind: "value", value: result });
    } catch (error) {
      answer({ id, kind: "error", message: error.message });
    }
  });

  window.standinDeliver = (message) => {
    if (message.kind === "event") for (const listener of listeners.get(message.channel) ?? []) listener({}, ...message.args);
    else {
      const { resolve, reject } = invocations.get(message.id);
      invocations.delete(message.id);
      if (message.kind === "error") reject(new Error(message.message));
      else resolve(message.value);
    }
  };

  const require = (name) => {
    if (name === "electron") return { contextBridge, ipcRenderer, webUtils };
    throw new Error(`a sandboxed preload has no ${name}`);
  };
  const process = { platform: PLATFORM, argv: ARGV, type: "renderer", sandboxed: true };
  const module = { exports: {} };
  PRELOAD(require, process, module, module.exports);
})();
