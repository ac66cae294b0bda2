/** Which versions of Node run Espalier. Imports nothing: it is read by a Node that may be too old for the rest. */

/** As `engines` of package.json has it; a test holds the two together. */
export const wantedNode = '^20.19.0 || ^22.13.0 || >=24.0.0';

/** @param version  as `process.versions.node`: `20.19.4` */
export function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return (major === 20 && minor >= 19) || (major === 22 && minor >= 13) || major >= 24;
}
