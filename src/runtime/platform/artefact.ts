/**
 * The form of this mill: here, run from its source. For the forms that are shipped, scripts/build.ts replaces this module
 * by one of the same shape.
 */

/** mill as scripts run by Bun. */
export type Scripts = {
  readonly form: "scripts"
  /** The absolute paths of mill's own script and of the program host's script. */
  readonly mill: string
  readonly host: string
}

/** mill as one executable, with the program host's scripts embedded. */
export type Executable = {
  readonly form: "executable"
  /** A hash of the contents of all files. */
  readonly digest: string
  /** The embedded files: where each can be read, by the name under which it is unpacked. */
  readonly files: Readonly<Record<string, string>>
}

export type Artefact = Scripts | Executable

const resolvePath = (name: string): string => decodeURIComponent(new URL(name, import.meta.url).pathname)

export const artefact: Artefact = {
  form: "scripts",
  mill: resolvePath("../../bin/mill.ts"),
  host: resolvePath("../program-host.ts"),
}
