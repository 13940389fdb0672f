import { readFileSync, unwatchFile, watchFile } from "node:fs";

/** How often the files are looked at; by polling, which sees links that are replaced as well. */
const pollMs = 2_000;

/** Where the server's certificate and its key are, in PEM. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export function readTls({ certFile, keyFile }: TlsFiles): { readonly cert: Buffer; readonly key: Buffer } {
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
}

/** Tells of every change of the files, until the function that it gives is called. */
export function watchTls({ certFile, keyFile }: TlsFiles, onChange: () => void): () => void {
  const files = [certFile, keyFile];
  const changed = (): void => onChange();
  for (const file of files) watchFile(file, { interval: pollMs, persistent: false }, changed);
  return () => {
    for (const file of files) unwatchFile(file, changed);
  };
}
