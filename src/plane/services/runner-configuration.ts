import { create } from "@bufbuild/protobuf";
import {
  MetricsConfigurationSchema,
  RunnerConfigurationSchema,
  type RunnerSpec,
  type UpdateRunnerRequest_RunnerConfiguration,
} from "../../contract/gen/gitpod/v1/runner_pb.js";
import { refuse } from "./supported-spec.ts";

/** Puts the configuration of an UpdateRunner request into a spec; what is not given stays. */
export function applyConfiguration(spec: RunnerSpec, wanted: UpdateRunnerRequest_RunnerConfiguration): void {
  if (wanted.honeycombApiKey !== undefined) refuse("spec.configuration.honeycombApiKey: nothing is sent there");
  if (wanted.continuousProfiling === true) refuse("spec.configuration.continuousProfiling: runners make no profiles");
  const configuration = (spec.configuration ??= create(RunnerConfigurationSchema));
  configuration.releaseChannel = wanted.releaseChannel ?? configuration.releaseChannel;
  configuration.autoUpdate = wanted.autoUpdate ?? configuration.autoUpdate;
  configuration.logLevel = wanted.logLevel ?? configuration.logLevel;
  configuration.devcontainerImageCacheEnabled = wanted.devcontainerImageCacheEnabled ?? configuration.devcontainerImageCacheEnabled;
  if (wanted.updateWindow !== undefined) configuration.updateWindow = wanted.updateWindow;
  if (wanted.metrics === undefined) return;
  if ((wanted.metrics.password ?? "") !== "") refuse("spec.configuration.metrics.password: it would be kept readable");
  const metrics = (configuration.metrics ??= create(MetricsConfigurationSchema));
  metrics.enabled = wanted.metrics.enabled ?? metrics.enabled;
  metrics.url = wanted.metrics.url ?? metrics.url;
  metrics.username = wanted.metrics.username ?? metrics.username;
  metrics.managedMetricsEnabled = wanted.metrics.managedMetricsEnabled ?? metrics.managedMetricsEnabled;
  metrics.includeVerboseMetrics = wanted.metrics.includeVerboseMetrics ?? metrics.includeVerboseMetrics;
}
