import type { DescService } from "@bufbuild/protobuf";
import { environmentRows } from "./rows-environments.ts";
import { organizationRows } from "./rows-organization.ts";
import { runnerRows } from "./rows-runners.ts";
import type { Row } from "./row.ts";

const services = [...organizationRows, ...environmentRows, ...runnerRows];

/** The services that a plane may serve, each with a row for every method. */
export const authorizedServices: readonly DescService[] = services.map(({ service }) => service);

/** The whole of who may do what, by `package.Service/Method`. */
export const authorizationTable: ReadonlyMap<string, Row> = new Map(services.flatMap(({ rows }) => [...rows]));
