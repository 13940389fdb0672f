// Loaded before the app in real Electron: keeps what it shows through the system, and acts on it as the stand-in's
// control does (tests/electron-standin/control.ts).
const {
  app,
  BrowserWindow,
  dialog,
  globalShortcut,
  Menu,
  nativeTheme,
  Notification,
  powerMonitor,
  screen,
  shell,
  Tray,
} = require("electron");

const records = { external: [], notifications: [], dialogs: [], shortcuts: new Map(), badge: 0 };
let trayMenu;

Tray.prototype.setContextMenu = (menu) => void (trayMenu = menu);
Notification.prototype.show = function show() {
  records.notifications.push(this);
};
shell.openExternal = async (url) => void records.external.push(url);
const ask =
  (kind) =>
  (...args) =>
    new Promise((answer) => records.dialogs.push({ kind, options: args.at(-1), answer }));
dialog.showMessageBox = ask("message");
dialog.showOpenDialog = ask("open");
globalShortcut.register = (accelerator, press) => {
  if (accelerator === process.env.STANDIN_TAKEN_SHORTCUT) return false;
  records.shortcuts.set(accelerator, press);
  return true;
};
globalShortcut.unregisterAll = () => records.shortcuts.clear();
app.setBadgeCount = (count) => {
  records.badge = count;
  return true;
};

const shown = (item) =>
  item.submenu ? { label: item.label, items: item.submenu.items.map(shown) } : item.type === "separator" ? "" : item.label;
const find = (items, [label, ...rest]) => {
  const found = items.find((item) => item.label === label);
  return rest.length === 0 ? found : find(found?.submenu?.items ?? [], rest);
};
const menuOf = (name) => (name === "tray" ? trayMenu : Menu.getApplicationMenu())?.items ?? [];

globalThis.berthPerform = (command) => {
  const [window] = BrowserWindow.getAllWindows();
  switch (command.kind) {
    case "state":
      return {
        endpoint: "",
        origin: "app://berth",
        menu: menuOf("application").map(shown),
        tray: menuOf("tray").map(shown),
        external: records.external,
        notifications: records.notifications.map(({ title, body }) => ({ title, body })),
        dialogs: records.dialogs.map(({ kind, options }) => ({ kind, options })),
        shortcuts: [...records.shortcuts.keys()],
        badge: records.badge,
        theme: nativeTheme.themeSource,
        windows: BrowserWindow.getAllWindows().map((each) => ({
          visible: each.isVisible(),
          focused: each.isFocused(),
          maximized: each.isMaximized(),
          bounds: each.getBounds(),
          url: each.webContents.getURL(),
        })),
      };
    case "click":
      return find(menuOf(command.menu), command.path).click();
    case "click-notification":
      return void records.notifications[command.index].emit("click");
    case "answer-dialog":
      return records.dialogs.shift().answer(command.value);
    case "press-shortcut":
      return records.shortcuts.get(command.accelerator)();
    case "emit":
      return void { app, power: powerMonitor, screen }[command.target].emit(
        command.event,
        { preventDefault: () => undefined },
        ...command.args,
      );
    case "window":
      if (command.action === "crash") return window.webContents.forcefullyCrashRenderer();
      return window[command.action]();
    case "set-bounds":
      return window.setBounds(command.bounds);
    case "displays": {
      const displays = command.areas.map((workArea, index) => ({ id: index + 1, workArea }));
      screen.getPrimaryDisplay = () => displays[0];
      screen.getAllDisplays = () => displays;
      return;
    }
  }
};
