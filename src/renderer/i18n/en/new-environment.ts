export const newEnvironment = {};
