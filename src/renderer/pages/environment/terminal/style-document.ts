/**
 * The page's document for xterm, which makes <style> elements that the content security policy keeps out: each becomes
 * an element whose text goes into a style sheet made by script, which the policy allows.
 */
export function styleDocument(document: Document): Document {
  return new Proxy(document, {
    get: (target, name) => {
      if (name === "createElement") return (tag: string) => (tag === "style" ? styleElement(target) : target.createElement(tag));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
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
