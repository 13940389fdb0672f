import { execFileSync } from "node:child_process";
import { join } from "node:path";

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Puts a certificate of this computer into a folder, `tls.crt` with `tls.key`, which signs itself and is good for two days. */
export function makeCertificate(folder: string): CertificateFiles {
  const files = { certFile: join(folder, "tls.crt"), keyFile: join(folder, "tls.key") };
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const paths = ["-keyout", files.keyFile, "-out", files.certFile];
  execFileSync("openssl", ["req", "-x509", ...curve, "-nodes", "-days", "2", ...names, ...paths], { stdio: "ignore" });
  return files;
}
