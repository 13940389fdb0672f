import { Menu, type MenuItemConstructorOptions } from "electron";
import type { MenuItemModel, ShellAction } from "./menu-model.ts";

/** Makes a menu of the system from a model. */
export function buildMenu(items: readonly MenuItemModel[], perform: (action: ShellAction) => void): Menu {
  return Menu.buildFromTemplate(items.map((item) => template(item, perform)));
}

function template(item: MenuItemModel, perform: (action: ShellAction) => void): MenuItemConstructorOptions {
  switch (item.type) {
    case "separator":
      return { type: "separator" };
    case "role":
      return { role: item.role, ...(item.label === undefined ? {} : { label: item.label }) };
    case "label":
      return { label: item.label, enabled: false };
    case "submenu":
      return {
        label: item.label,
        ...(item.role === undefined ? {} : { role: item.role }),
        submenu: item.items.map((each) => template(each, perform)),
      };
    case "action":
      return {
        label: item.label,
        click: () => perform(item.action),
        ...(item.accelerator === undefined ? {} : { accelerator: item.accelerator }),
      };
  }
}
