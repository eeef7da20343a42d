/** The version of Umbra, in every result and archive; a test holds it equal to `package.json`. */
export const umbraVersion = '0.1.0';
