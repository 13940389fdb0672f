/**
 * The page's document for xterm, which makes <style> elements and style attributes that the content security policy
 * keeps out. The same made by script is allowed: an element whose text goes into a style sheet of its own, and an
 * element whose style attribute is set as its style.
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

function elementOf(document: Document, tag: string): HTMLElement {
  if (tag === "style") return styleElement(document);
  if (tag === "span") return styledSpan(document);
  return Document.prototype.createElement.call(document, tag);
}

function styledSpan(document: Document): HTMLElement {
  return withStyleByScript(Document.prototype.createElement.call(document, "span"));
}

function withStyleByScript(element: HTMLElement): HTMLElement {
  Object.defineProperty(element, "setAttribute", {
    value: (name: string, value: string) => {
      if (name === "style") element.style.cssText = value;
      else Element.prototype.setAttribute.call(element, name, value);
    },
  });
  // A copy has none of this by itself.
  Object.defineProperty(element, "cloneNode", {
    value: (deep: boolean) => {
      const copy = Node.prototype.cloneNode.call(element, deep);
      return copy instanceof HTMLElement ? withStyleByScript(copy) : copy;
    },
  });
  return element;
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
