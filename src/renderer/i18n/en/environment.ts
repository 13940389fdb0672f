export const environment = {};
