import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import type { DateRange, Resolution, UsageService } from "../../contract/gen/gitpod/v1/usage_pb.js";
import type { Fleet } from "../fleet.ts";
import { paginate } from "../pagination.ts";
import type { RequestScope, ScopeOf } from "../request-scope.ts";
import { memberKind } from "../store/identity-kinds.ts";
import type { PageTokens } from "../store/page-tokens.ts";
import { projectKind } from "../store/project-kinds.ts";
import type { PageRequest, Period, Span } from "../store/store.ts";
import { environmentUsageKind } from "../store/usage-kinds.ts";
import { periodBefore, runtimesBy, trend, type Usage, usageIn } from "../usage/measure-usage.ts";
import { periodOf, pointsOf, weekUntil } from "../usage/periods.ts";

/** Records that are looked at for one answer. */
const maxSpans = 200_000;
/** Enough for every rank among so many. */
const maxRankDigits = 6;
const maxInt32 = 2 ** 31 - 1;

interface Dependencies {
  readonly scopeOf: ScopeOf;
  readonly fleet: Fleet;
  readonly tokens: PageTokens;
  readonly now: () => number;
}

/** What every request for a measure may say. */
interface Asked {
  readonly dateRange?: DateRange | undefined;
  readonly projectId?: string;
  readonly teamId: string;
}

/** gitpod.v1.UsageService: how long environments ran, from the statuses that were observed. */
export function usageService(dependencies: Dependencies): Partial<ServiceImpl<typeof UsageService>> {
  const { scopeOf } = dependencies;
  const { total, series } = measures(dependencies);
  return {
    listEnvironmentUsageRecords: async ({ filter, pagination }, context) => {
      const { startTime, endTime } = filter?.dateRange ?? {};
      if (startTime !== undefined && endTime !== undefined) periodOf(filter?.dateRange, dependencies.now());
      const { items, nextToken } = await scopeOf(context).store.list(environmentUsageKind, pagination, {
        where: {
          isArchived: true,
          ...(filter === undefined || filter.projectId === "" ? {} : { projectIds: [filter.projectId] }),
          ...(startTime === undefined ? {} : { archivedFromMs: timestampMs(startTime) }),
          ...(endTime === undefined ? {} : { archivedBeforeMs: timestampMs(endTime) }),
        },
      });
      return { records: items.map(({ message }) => message), pagination: { nextToken } };
    },
    getActiveUsersCount: async (request, context) => counted(await total(request, context, ({ users }) => users.size)),
    getActiveEnvironmentsCount: async (request, context) => counted(await total(request, context, ({ environments }) => environments.size)),
    getEnvironmentRuntime: async (request, context) => {
      const { value, trend: change } = await total(request, context, runtimeSeconds);
      return { totalRuntimeSeconds: BigInt(value), trend: change };
    },
    getActiveEnvironmentsTimeSeries: async (request, context) => ({
      activeEnvironments: await series(request, context, ({ environments }) => environments.size),
    }),
    getEnvironmentSessionsTimeSeries: async (request, context) => ({
      sessions: await series(request, context, ({ sessions }) => sessions),
    }),
    getEnvironmentRuntimeTimeSeries: async (request, context) => ({ totalRuntime: await series(request, context, runtimeSeconds) }),
    getActiveUsersTimeSeries: async (request, context) => activeUsers(dependencies, scopeOf(context), request),
    ...tops(dependencies),
  };
}

type Measure = (usage: Usage) => number;

function measures({ scopeOf, now }: Dependencies) {
  return {
    total: async (request: Asked, context: HandlerContext, measure: Measure) => {
      const period = periodOf(request.dateRange, now());
      const before = periodBefore(period);
      const spans = await spansOf(scopeOf(context), request, { startMs: before.startMs, endMs: period.endMs });
      const value = measure(usageIn(spans, period, now()));
      return { value, trend: trend(value, measure(usageIn(spans, before, now()))) };
    },
    series: async (request: Asked & { readonly resolution: Resolution }, context: HandlerContext, measure: Measure) => {
      const period = periodOf(request.dateRange, now());
      const points = pointsOf(period, request.resolution);
      const spans = await spansOf(scopeOf(context), request, period);
      return points.map((point) => pointAt(point, measure(usageIn(spans, clipped(point, period), now()))));
    },
  };
}

/** Whoever used something in the week that ends with each point, and of those who did in the week before it too. */
async function activeUsers({ now }: Dependencies, scope: RequestScope, request: Asked & { readonly resolution: Resolution }) {
  const period = periodOf(request.dateRange, now());
  const points = pointsOf(period, request.resolution);
  const [first = period] = points;
  const startMs = periodBefore(weekUntil(first)).startMs;
  const spans = await spansOf(scope, request, { startMs, endMs: (points.at(-1) ?? period).endMs });
  const weeks = points.map((point) => {
    const week = weekUntil(point);
    return { point, users: usageIn(spans, week, now()).users, before: usageIn(spans, periodBefore(week), now()).users };
  });
  return {
    weeklyActiveUsers: weeks.map(({ point, users }) => pointAt(point, users.size)),
    weeklyActiveReturningUsers: weeks.map(({ point, users, before }) =>
      pointAt(point, [...users].filter((user) => before.has(user)).length),
    ),
  };
}

/** What was used longest, by project, class and user. */
function tops({ scopeOf, fleet, tokens, now }: Dependencies) {
  const top = async (scope: RequestScope, request: Ranked, by: "projectId" | "label" | "creatorId") => {
    const { pagination, teamId, projectId = "", dateRange } = request;
    const period = periodOf(dateRange, now());
    const spans = await spansOf(scope, { teamId, projectId }, period);
    const ranked = runtimesBy(spans, period, { keyOf: (span) => span[by], nowMs: now() });
    const numbered = ranked.map((one, index) => ({ ...one, rank: String(index).padStart(maxRankDigits, "0") }));
    const { startTime, endTime } = dateRange ?? {};
    const asked = [startTime, endTime].map((time) => (time === undefined ? null : timestampMs(time)));
    const list = JSON.stringify(["usage", by, scope.store.organizationId, projectId, asked]);
    const { page, nextToken } = paginate(numbered, ({ rank }) => rank, pagination, { tokens, list });
    return { page: page.map(({ key, runtimeMs }) => ({ key, seconds: Math.round(runtimeMs / 1000) })), nextToken };
  };
  return {
    getTopProjects: async (request, context) => {
      const scope = scopeOf(context);
      const { page, nextToken } = await top(scope, request, "projectId");
      const projects = await scope.store.all(projectKind, { where: { ids: page.map(({ key }) => key) } });
      const nameOf = new Map(projects.map(({ id, message }) => [id, message.metadata?.name ?? ""]));
      return {
        projects: page.map(({ key, seconds }) => ({
          projectId: key,
          projectName: nameOf.get(key) ?? "",
          totalRuntimeSeconds: BigInt(seconds),
        })),
        pagination: { nextToken },
      };
    },
    getTopEnvironmentClasses: async (request, context) => {
      const scope = scopeOf(context);
      const { organizationId } = scope.store;
      const { page, nextToken } = await top(scope, request, "label");
      const [classes, runners] = await Promise.all([fleet.classes(organizationId), fleet.runners(organizationId)]);
      return {
        environmentClasses: page.map(({ key, seconds }) => {
          const found = classes.find(({ id }) => id === key);
          const runner = runners.find(({ runnerId }) => runnerId === found?.runnerId);
          return {
            environmentClassId: key,
            environmentClassName: found?.displayName ?? "",
            runnerName: runner?.name ?? "",
            ...(runner === undefined ? {} : { runnerKind: runner.kind }),
            totalRuntimeSeconds: BigInt(seconds),
          };
        }),
        pagination: { nextToken },
      };
    },
    getTopActiveUsers: async (request, context) => {
      const scope = scopeOf(context);
      const { page, nextToken } = await top(scope, request, "creatorId");
      const members = await scope.store.all(memberKind, { where: { ids: page.map(({ key }) => key) } });
      const userById = new Map(members.map(({ id, message }) => [id, message.user]));
      return {
        users: page.map(({ key, seconds }) => ({
          userId: key,
          userName: userById.get(key)?.name ?? "",
          userAvatarUrl: userById.get(key)?.avatarUrl ?? "",
          totalRuntimeSeconds: seconds,
        })),
        pagination: { nextToken },
      };
    },
  } satisfies Partial<ServiceImpl<typeof UsageService>>;
}

interface Ranked extends Asked {
  readonly pagination?: PageRequest | undefined;
}

/** Fails with `request-invalid` where there are too many for one answer. */
async function spansOf({ store }: RequestScope, { projectId = "", teamId }: Asked, period: Period): Promise<readonly Span[]> {
  // There are no teams; groups are of people, and not of what they use.
  if (teamId !== "") throw new BerthError("resource-not-found", `there is no team ${teamId}`);
  const where = projectId === "" ? {} : { projectIds: [projectId] };
  const spans = await store.spans(environmentUsageKind, period, { where, limit: maxSpans + 1 });
  if (spans.length > maxSpans)
    throw new BerthError("request-invalid", `date_range: it has more than ${maxSpans} records; ask for less time`);
  return spans;
}

function counted({ value, trend: change }: { readonly value: number; readonly trend: number }) {
  return { count: BigInt(value), trend: change };
}

function runtimeSeconds({ runtimeMs }: Usage): number {
  return Math.round(runtimeMs / 1000);
}

function pointAt({ startMs }: Period, value: number) {
  return { time: timestampFromMs(startMs), value: Math.min(maxInt32, value) };
}

function clipped(point: Period, period: Period): Period {
  return { startMs: Math.max(point.startMs, period.startMs), endMs: Math.min(point.endMs, period.endMs) };
}
