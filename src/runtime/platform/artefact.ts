/**
 * The form in which mill runs here: from its source. The other forms are made by scripts/build.ts, which puts a module
 * of the same shape in the place of this one; nothing else asks which form it is.
 */

/** mill as scripts that Bun runs. */
export type Scripts = {
  readonly form: "scripts"
  /** The absolute paths of mill's own script and of the program host's. */
  readonly mill: string
  readonly host: string
  /** Whether it is the executable mill that runs them, passing for Bun. */
  readonly unpacked: boolean
}

/** mill as one executable, which carries those scripts in it. */
export type Executable = {
  readonly form: "executable"
  /** Names the contents of all its files. */
  readonly digest: string
  /** Where each can be read, by the name that it has when it is unpacked. */
  readonly files: Readonly<Record<string, string>>
}

export type Artefact = Scripts | Executable

const pathOf = (name: string): string => decodeURIComponent(new URL(name, import.meta.url).pathname)

export const artefact: Artefact = {
  form: "scripts",
  mill: pathOf("../../bin/mill.ts"),
  host: pathOf("../program-host.ts"),
  unpacked: false,
}
