/**
 * The page's document for xterm, which makes <style> elements and style attributes that the content security policy
 * keeps out. The same made by script is allowed: an element whose text goes into a style sheet of its own, and an
 * element whose style attribute is set as its style.
 */
export function styleDocument(document: Document): Document {
  return new Proxy(document, {
    get: (target, name) => {
      if (name === "createElement")
        return (tag: string) => (tag === "style" ? styleElement(target) : tag === "span" ? styledSpan(target) : target.createElement(tag));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}

function styledSpan(document: Document): HTMLElement {
  const element = document.createElement("span");
  Object.defineProperty(element, "setAttribute", {
    value: (name: string, value: string) => {
      if (name === "style") element.style.cssText = value;
      else Element.prototype.setAttribute.call(element, name, value);
    },
  });
  return element;
}

function styleElement(document: Document): HTMLElement {
  const element = document.createElement("span");
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
