/**
 * What the window may load, in Electron and in a browser alike: its own files and its own API, nothing else.
 * Neither scripts nor styles may stand in the page itself, so what a repository makes us show cannot become either.
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");
