/** The version of Berth, as in package.json. */
export const version = "0.1.0";
