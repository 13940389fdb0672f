import { provideVirtiofsd } from "../../tools/virtiofsd.ts";

/** What drivers need of this computer that its own packages may not have. */
export default async function setup(): Promise<void> {
  const virtiofsd = await provideVirtiofsd();
  if (virtiofsd !== undefined) process.env["BERTH_VIRTIOFSD"] = virtiofsd;
}
