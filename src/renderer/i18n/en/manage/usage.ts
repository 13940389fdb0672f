/** Words of the usage of an organization. */
export const manageUsage = {
  description: "How much environments are used, day by day, in UTC.",
  range: "Time",
  lastDays: (n: number) => `The last ${n} days`,
  runtime: "Hours that environments ran",
  runtimeDetail: "Of all environments together.",
  active: "Environments that ran",
  activeDetail: "Each that ran on that day counts once.",
  hours: (value: string) => `${value} h`,
  environments: (value: string) => value,
  summary: (title: string, total: string, most: string) => `${title}: ${total} in all, at most ${most} on one day`,
  asTable: "As a table",
  day: "Day",
};
