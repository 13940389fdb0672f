/**
 * The page's document for xterm, which makes <style> elements that the content security policy keeps out. The same
 * made by script is allowed: an element whose text goes into a style sheet of its own.
 */
export function styleDocument(document: Document): Document {
  return new Proxy(document, {
    get: (target, name) => {
      if (name === "createElement") return (tag: string) => elementOf(target, tag);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}

/** Does the same to the page's own document while `act` goes on: xterm 6.0 makes its scroll bar's style with that one. */
export function withStylesByScript(document: Document, act: () => void): void {
  const made = (tag: string): HTMLElement => elementOf(document, tag);
  Object.defineProperty(document, "createElement", { value: made, configurable: true });
  try {
    act();
  } finally {
    Reflect.deleteProperty(document, "createElement");
  }
}

/**
 * xterm gives its rows' spans their colours as style attributes, made with whatever document it finds. From here on
 * such an attribute is set as the span's style, which comes to the same and is allowed.
 */
export function setSpanStylesByScript(): void {
  const spans = HTMLSpanElement.prototype;
  if (Object.hasOwn(spans, "setAttribute")) return;
  Object.defineProperty(spans, "setAttribute", {
    value(this: HTMLSpanElement, name: string, value: string) {
      if (name === "style") this.style.cssText = value;
      else Element.prototype.setAttribute.call(this, name, value);
    },
    configurable: true,
  });
}

function elementOf(document: Document, tag: string): HTMLElement {
  if (tag === "style") return styleElement(document);
  return Document.prototype.createElement.call(document, tag);
}

function styleElement(document: Document): HTMLElement {
  const element = Document.prototype.createElement.call(document, "span");
  element.hidden = true;
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  Object.defineProperty(element, "textContent", {
    get: () => "",
    set: (text: string) => {
      sheet.replaceSync(text);
    },
  });
  Object.defineProperty(element, "remove", {
    value: () => {
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
      Element.prototype.remove.call(element);
    },
  });
  return element;
}
