/** The factories of a configuration: each gives plain data, which mill validates when it loads the configuration. */
import type {
  DirectExecutor,
  Extension,
  HttpDriver,
  HttpDriverOptions,
  MillConfig,
  ProcessDriver,
  ProcessDriverOptions,
  VmExecutor,
  VmExecutorOptions,
} from "./types.ts"

/** A configuration, with its type checked by the editor. */
export const defineConfig = (config: MillConfig): MillConfig => config

/** An extension, with its type checked by the editor. */
export const defineExtension = (extension: Extension): Extension => extension

/** A driver that starts a command for each spawn. */
export const processDriver = (options: ProcessDriverOptions): ProcessDriver => ({
  type: "process",
  ...options,
})

/** An executor that runs the program as a process like any other. */
export const directExecutor = (): DirectExecutor => ({ type: "direct" })

/** A driver that asks an HTTP API for each spawn. */
export const httpDriver = (options: HttpDriverOptions): HttpDriver => ({ type: "http", ...options })

/** An executor that runs the program in a sandbox, from which `mill` is the only way out. */
export const vmExecutor = (options: VmExecutorOptions = {}): VmExecutor => ({ type: "vm", ...options })
