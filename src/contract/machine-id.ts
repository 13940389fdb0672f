/** The id of the machine of all environments that have none of their own. */
export const sharedMachineId = "default";
