/** The factories of a configuration: each gives plain data, which mill validates when it loads the configuration. */
import type {
  DirectExecutor,
  HttpDriver,
  HttpDriverOptions,
  MillConfig,
  ProcessDriver,
  ProcessDriverOptions,
} from "./types.ts"

/** A configuration, with its type checked by the editor. */
export const defineConfig = (config: MillConfig): MillConfig => config

/** A driver that starts a command for each spawn. */
export const processDriver = (options: ProcessDriverOptions): ProcessDriver => ({
  type: "process",
  ...options,
})

/** An executor that runs the program as a process like any other. */
export const directExecutor = (): DirectExecutor => ({ type: "direct" })

/** A driver that asks an HTTP API for each spawn. */
export const httpDriver = (options: HttpDriverOptions): HttpDriver => ({ type: "http", ...options })
