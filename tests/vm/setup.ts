import type { TestProject } from "vitest/node";
import { bundlePrograms, Product, Servers } from "./product.ts";

/**
 * One machine for all tests that leave it running: its boot and the servers in it cost a minute under
 * emulation. With BERTH_TEST_FOLDER the machine of that folder is used and left running, for work on a test.
 */
export default function setup(project: TestProject): () => void {
  bundlePrograms();
  const kept = process.env["BERTH_TEST_FOLDER"];
  const product = kept === undefined ? new Product() : new Product(kept);
  try {
    if (kept === undefined || product.berth("start", "servers").status !== 0) new Servers(product).start();
  } catch (error) {
    process.stderr.write(`${product.hostLog()}\n${product.console()}\n`);
    if (kept === undefined) product.end();
    throw error;
  }
  project.provide("productFolder", product.folder);
  return () => (kept === undefined ? product.end() : undefined);
}
