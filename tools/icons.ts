import { chromium } from "@playwright/test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findChromium } from "./find-chromium.ts";

/** `node tools/icons.ts`: draws resources/icons/png and icon.icns from the SVG sources. Its results are committed. */
const folder = join(import.meta.dirname, "../resources/icons");
const png = join(folder, "png");
const linuxSizes = [16, 32, 48, 64, 128, 256, 512];
/** The types of an ICNS that hold a PNG, by its width in pixels. */
const icnsTypes: readonly (readonly [type: string, size: number])[] = [
  ["icp4", 16],
  ["icp5", 32],
  ["ic11", 32],
  ["ic12", 64],
  ["ic07", 128],
  ["ic13", 256],
  ["ic08", 256],
  ["ic14", 512],
  ["ic09", 512],
  ["ic10", 1024],
];

const browser = await chromium.launch({ executablePath: findChromium(), args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage();

async function draw(source: string, size: number): Promise<Buffer> {
  await page.setViewportSize({ width: size, height: size });
  const svg = readFileSync(join(folder, source), "utf8").replace("<svg ", `<svg width="${size}" height="${size}" style="display:block" `);
  await page.setContent(`<body style="margin:0;background:transparent">${svg}</body>`);
  return page.screenshot({ omitBackground: true, clip: { x: 0, y: 0, width: size, height: size } });
}

mkdirSync(png, { recursive: true });
mkdirSync(join(folder, "linux"), { recursive: true });
for (const size of linuxSizes) writeFileSync(join(folder, "linux", `${size}x${size}.png`), await draw("icon.svg", size));
for (const [scale, suffix] of [
  [1, ""],
  [2, "@2x"],
] as const) {
  writeFileSync(join(png, `tray${suffix}.png`), await draw("tray.svg", 22 * scale));
  writeFileSync(join(png, `trayTemplate${suffix}.png`), await draw("tray-template.svg", 18 * scale));
}
const entries: Buffer[] = [];
for (const [type, size] of icnsTypes) {
  const image = await draw("icon.svg", size);
  const header = Buffer.alloc(8);
  header.write(type, "latin1");
  header.writeUInt32BE(image.length + 8, 4);
  entries.push(header, image);
}
const header = Buffer.alloc(8);
header.write("icns", "latin1");
header.writeUInt32BE(
  entries.reduce((sum, entry) => sum + entry.length, 8),
  4,
);
writeFileSync(join(folder, "icon.icns"), Buffer.concat([header, ...entries]));
await browser.close();
