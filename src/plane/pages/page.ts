import { createHash } from "node:crypto";
import { answer, type HttpResponse } from "../http-messages.ts";
import { type BerthError } from "../../contract/berth-error.ts";
import { errorCatalogue } from "../../contract/error-catalogue.ts";

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 26rem; margin: 12vh auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
code { font-size: 1.2rem; }
input, button { font: inherit; padding: .5rem .75rem; }
input { width: 100%; box-sizing: border-box; margin: .25rem 0 1rem; }
small { opacity: .7; }
`;
const styleHash = createHash("sha256").update(style).digest("base64");

/** No script, nothing from elsewhere, in nobody's frame. Forms may lead on to a provider, so `form-action` is left open. */
const contentSecurityPolicy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; frame-ancestors 'none'`;

/** Headers of everything that has to do with signing in. */
export const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "content-security-policy": contentSecurityPolicy,
  // With `no-referrer` browsers would not say where our own forms come from either.
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

const httpStatuses = {
  invalid_argument: 400,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  unauthenticated: 401,
  failed_precondition: 400,
  resource_exhausted: 429,
  unavailable: 502,
  deadline_exceeded: 504,
  canceled: 499,
  aborted: 409,
  unimplemented: 501,
  internal: 500,
} as const;

/** Markup; made by `html` only, so that texts cannot become it. */
export class Markup {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  static of(parts: TemplateStringsArray, values: readonly (string | Markup | readonly Markup[])[]): Markup {
    const filled = parts.map((part, index) => part + markupOf(values[index] ?? ""));
    return new Markup(filled.join(""));
  }

  /** Markup that a library made, which escapes by itself. */
  static trusted(text: string): Markup {
    return new Markup(text);
  }
}

/** A template whose values are escaped, unless they are markup themselves. */
export function html(parts: TemplateStringsArray, ...values: readonly (string | Markup | readonly Markup[])[]): Markup {
  return Markup.of(parts, values);
}

/** In one piece: the policy names the hash of exactly this. */
const styleElement = Markup.trusted(`<style>${style}</style>`);

export function pageText(title: string, body: Markup): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Berth</title>
        ${styleElement}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html> `.text;
}

export function sendPage(response: HttpResponse, status: number, title: string, body: Markup): void {
  answer(response, status, pageHeaders, pageText(title, body));
}

/** What a person reads in a browser when something did not happen. */
export function sendErrorPage(response: HttpResponse, error: BerthError, again: string): void {
  const { title, why, whatToTry, connectCode } = errorCatalogue[error.code];
  const body = html`<p>${why}</p>
    <p>${whatToTry}</p>
    <p><small>${error.code}: ${error.detail}</small></p>
    <p><a href="${again}">Sign in</a></p>`;
  sendPage(response, httpStatuses[connectCode], title, body);
}

function markupOf(value: string | Markup | readonly Markup[]): string {
  if (value instanceof Markup) return value.text;
  if (typeof value !== "string") return value.map((one) => one.text).join("");
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
