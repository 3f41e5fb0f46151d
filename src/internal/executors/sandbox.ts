/** What a sandbox is to be, whichever runtime makes it. */
import type { PlanVmExecutor } from "../../domain/plan.schema.ts"

/** A file or folder of this machine, and where it is seen in the sandbox. It cannot be written to. */
export type Mount = { readonly from: string; readonly at: string }

export type Sandbox = {
  readonly executor: PlanVmExecutor
  /** The working directory. Where no mount shows it, it is empty. */
  readonly cwd: string
  /** Folders in which mounts lie and nothing else, none of them in another. */
  readonly folders: ReadonlyArray<string>
  /** In this order: later ones lie over earlier ones. */
  readonly mounts: ReadonlyArray<Mount>
  /** Folders that are seen empty though a mount would show them. */
  readonly hidden: ReadonlyArray<string>
  /** What is run in it, by its path in it. */
  readonly command: readonly [string, ...ReadonlyArray<string>]
  /** Variables whose values may be seen by other users of the machine. */
  readonly openEnv: Readonly<Record<string, string>>
  /** Variables whose values may not. */
  readonly secretEnv: Readonly<Record<string, string>>
  readonly userId: number
  readonly groupId: number
}

/** Where mill's own files are in a sandbox. */
export const inside = "/run/mill"

/** The only folder that can be written to; what is written is gone with the sandbox. */
export const scratch = "/tmp"

/** Whether `path` is `folder` or lies in it. */
export const liesIn = (path: string, folder: string): boolean =>
  path === folder || folder === "/" || path.startsWith(`${folder}/`)
