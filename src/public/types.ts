/** The types that a `mill.config.ts` is written with. */
import type { Codec } from "../domain/driver.schema.ts"
import type { HttpCodec } from "../domain/http-codec.schema.ts"
import type { ExtensionOnEvent, ExtensionSetup, FunctionDoc } from "../domain/extension.schema.ts"

/** Options of a driver that runs agents as commands. */
export interface ProcessDriverOptions {
  /** What the driver is for. Program authors see it in `mill --help --json`. */
  readonly description?: string
  /** The executable: a name on PATH, or a path. It runs without a shell. */
  readonly command: string
  /** Arguments before those that the codec adds. */
  readonly args?: ReadonlyArray<string>
  /** The codec for the agent's input and output, for example `claudeCodec()`. */
  readonly codec: Codec
  /** Variables to add to the environment that the agent inherits. Only their names are written to disk. */
  readonly env?: Readonly<Record<string, string>>
  /** The agent's working directory. Default: the directory in which the run was submitted. */
  readonly cwd?: string
  /** Maximum length of an output line, in bytes. Longer lines are dropped and counted. Default: 16 MiB. */
  readonly maxLineBytes?: number
  /** Seconds between SIGTERM and SIGKILL when this agent is stopped. Default: the configuration's `cancelGrace`. */
  readonly cancelGrace?: number
}

/** A driver made by `processDriver`. */
export interface ProcessDriver extends ProcessDriverOptions {
  readonly type: "process"
}

/** Options of a driver that calls a model through an HTTP API, of a vendor or of your own server. */
export interface HttpDriverOptions {
  /** What the driver is for. Program authors see it in `mill --help --json`. */
  readonly description?: string
  /** The endpoint, or the base URL that the vendor's SDKs take. Put no credentials in it: it is printed and stored. */
  readonly url: string
  /** The codec for the API, for example `anthropicMessagesCodec()`. */
  readonly codec: HttpCodec
  /**
   * The environment variable that holds the API key. The key is read when it is needed and never written to disk. It is
   * sent in the codec's header, or in `header`; the value of `authorization` is prefixed with `Bearer`.
   */
  readonly apiKey?: { readonly env: string; readonly header?: string }
  /** Headers of each request: values, or environment variables that hold them. Only the names are in the plan. */
  readonly headers?: Readonly<Record<string, string | { readonly env: string }>>
  /** Maximum seconds for a spawn. Default: no limit. */
  readonly timeout?: number
  /** Maximum retries when the server is busy (429, 503, 529), within two minutes. Default: 3. */
  readonly maxRetries?: number
  /** Maximum length of a streamed event, in characters. A longer one fails the spawn. Default: 16 Mi. */
  readonly maxLineBytes?: number
}

/** A driver made by `httpDriver`. */
export interface HttpDriver extends HttpDriverOptions {
  readonly type: "http"
}

/** An executor made by `directExecutor`. */
export interface DirectExecutor {
  readonly type: "direct"
}

/** Options of an executor that runs programs in a sandbox, without network access and with only their own files to read. */
export interface VmExecutorOptions {
  /** The sandbox to use. Default: `bubblewrap`. */
  readonly runtime?: "bubblewrap" | "docker" | "podman"
  /** The executable of the sandbox runtime, by name or path. Default: the name of the runtime. */
  readonly command?: string
  /** The image for docker or podman. It needs glibc; mill mounts the rest. */
  readonly image?: string
  /** Names of environment variables to pass on from the submitting process to the program. */
  readonly env?: ReadonlyArray<string>
  /** Environment variables to set for the program. Only their names are in the plan. */
  readonly setEnv?: Readonly<Record<string, string>>
  /** Additional files and directories that the program may read. */
  readonly readable?: ReadonlyArray<string>
  /** Memory limit in MiB (docker and podman only). */
  readonly memory?: number
  /** Maximum number of processes (docker and podman only). */
  readonly processes?: number
}

/** An executor made by `vmExecutor`. */
export interface VmExecutor extends VmExecutorOptions {
  readonly type: "vm"
}

/** A function for programs. Arguments and result are JSON. A rejection rejects the program's call. */
export type ExtensionFunction = (...args: ReadonlyArray<unknown>) => Promise<unknown>

/** Hooks that observe runs, and functions that programs call as `mill.<name>.<function>`. */
export interface Extension {
  /** A JavaScript identifier that `mill` does not define itself. */
  readonly name: string
  readonly description?: string
  /** Runs once in the run's worker, before the program starts. Its resources are released when the run ends. */
  readonly setup?: ExtensionSetup
  /** Runs for each event of the run's log, one at a time. A slow hook does not delay the run. */
  readonly onEvent?: ExtensionOnEvent
  /** The functions of `mill.<name>`. They run in the worker. */
  readonly api?: Readonly<Record<string, ExtensionFunction>>
  /** Descriptions and TypeScript types of the functions, for `mill --help` and `mill init`. */
  readonly docs?: Readonly<Record<string, FunctionDoc>>
}

/** The default export of `mill.config.ts`. */
export interface MillConfig {
  /** The driver of runs without `--driver`. */
  readonly defaultDriver?: string
  /** The executor of runs without `--executor`. Default: `direct`. */
  readonly defaultExecutor?: string
  /** Drivers by name, in addition to the built-in `claude`, `pi`, `codex` and `offline`. The same name replaces one. */
  readonly drivers?: Readonly<Record<string, ProcessDriver | HttpDriver>>
  /** Executors by name, in addition to the built-in `direct` and `vm`. The same name replaces one. */
  readonly executors?: Readonly<Record<string, DirectExecutor | VmExecutor>>
  /** Guidance for program authors, for example which model to use for what. `mill --help` prints it. */
  readonly authoring?: { readonly instructions?: string }
  readonly extensions?: ReadonlyArray<Extension>
  /** Whether `mill run` shows a preview and asks before starting, in a terminal. Default: true. */
  readonly confirm?: boolean
  /** Seconds between SIGTERM and SIGKILL when a process is stopped. Default: 5. */
  readonly cancelGrace?: number
  /** How deeply runs may be nested in other runs. Default: 1. */
  readonly maxRunDepth?: number
}
