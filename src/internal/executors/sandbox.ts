/** Describes a sandbox, independently of the runtime that creates it. */
import type { PlanVmExecutor } from "../../domain/plan.schema.ts"

/** A file or directory of the machine and its path in the sandbox, where it is read-only. */
export type Mount = { readonly from: string; readonly at: string }

export type Sandbox = {
  readonly executor: PlanVmExecutor
  /** The working directory. It is empty unless a mount shows it. */
  readonly cwd: string
  /** Directories that contain mounts only. None of them contains another. */
  readonly folders: ReadonlyArray<string>
  /** In this order: later mounts cover earlier ones. */
  readonly mounts: ReadonlyArray<Mount>
  /** Directories that are empty although a mount would show them. */
  readonly hidden: ReadonlyArray<string>
  /** The command, by its path in the sandbox. */
  readonly command: readonly [string, ...ReadonlyArray<string>]
  /** Variables whose values other users of the machine may see. */
  readonly openEnv: Readonly<Record<string, string>>
  /** Variables whose values other users must not see. */
  readonly secretEnv: Readonly<Record<string, string>>
  readonly userId: number
  readonly groupId: number
}

/** The directory of mill's own files in a sandbox. */
export const inside = "/run/mill"

/** The writable directory of a sandbox. Its contents are gone with the sandbox. */
export const scratch = "/tmp"

/** Whether `path` is `folder` or inside it. */
export const isWithin = (path: string, folder: string): boolean =>
  path === folder || folder === "/" || path.startsWith(`${folder}/`)
