/** The types used in a configuration file, `mill.config.ts`. */
import type { Codec } from "../domain/driver.schema.ts"
import type { HttpCodec } from "../domain/http-codec.schema.ts"
import type { ExtensionOnEvent, ExtensionSetup, FunctionDoc } from "../domain/extension.schema.ts"

/** Options for a driver that runs agents as commands. */
export interface ProcessDriverOptions {
  /** The purpose of the driver. Program authors see this text in `mill --help --json`. */
  readonly description?: string
  /** The executable, as a name on PATH or a path. It runs without a shell. */
  readonly command: string
  /** Arguments to pass before those that the codec adds. */
  readonly args?: ReadonlyArray<string>
  /** The codec that handles the agent's input and output, for example `claudeCodec()`. */
  readonly codec: Codec
  /** The model for spawns that do not name one. Default: the agent's own. */
  readonly defaultModel?: string
  /** Environment variables to set for the agent, in addition to those it inherits. Only their names are written to disk. */
  readonly env?: Readonly<Record<string, string>>
  /** The agent's working directory. Default: the directory from which the run was submitted. */
  readonly cwd?: string
  /** Maximum length of an output line, in bytes. Longer lines are dropped and counted. Default: 16 MiB. */
  readonly maxLineBytes?: number
  /** Seconds to wait between SIGTERM and SIGKILL when the agent is stopped. Default: the configuration's `cancelGrace`. */
  readonly cancelGrace?: number
}

/** A driver made by `processDriver`. */
export interface ProcessDriver extends ProcessDriverOptions {
  readonly type: "process"
}

/** Options for a driver that calls a model through an HTTP API, on a vendor's server or your own. */
export interface HttpDriverOptions {
  /** The purpose of the driver. Program authors see this text in `mill --help --json`. */
  readonly description?: string
  /** The endpoint, or the base URL that the vendor's SDKs use. Do not put credentials in the URL: mill prints and stores it. */
  readonly url: string
  /** The codec for the API, for example `anthropicMessagesCodec()`. */
  readonly codec: HttpCodec
  /** The model for spawns that do not name one. Without a default, a spawn that does not name a model is rejected. */
  readonly defaultModel?: string
  /**
   * The environment variable that contains the API key. The key is read when it is needed and never written to disk. It is
   * sent in `header`, by default the header that the codec uses. In an `authorization` header, `Bearer` is prepended to the key.
   */
  readonly apiKey?: { readonly env: string; readonly header?: string }
  /** Headers to send with each request: values, or environment variables that contain them. Only their names are stored in the plan. */
  readonly headers?: Readonly<Record<string, string | { readonly env: string }>>
  /** Maximum duration of a spawn, in seconds. Default: no limit. */
  readonly timeout?: number
  /** Maximum number of retries when the server is busy (429, 503 or 529), within two minutes. Default: 3. */
  readonly maxRetries?: number
  /** Maximum length of a streamed event, in characters. A longer event fails the spawn. Default: 16,777,216. */
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

/** Options for an executor that runs programs in a sandbox, without network access and with read access to their own files only. */
export interface VmExecutorOptions {
  /** The sandbox runtime to use. Default: `bubblewrap`. */
  readonly runtime?: "bubblewrap" | "docker" | "podman"
  /** The executable of the sandbox runtime, as a name on PATH or a path. Default: the name of the runtime. */
  readonly command?: string
  /** The image for docker or podman. It must contain glibc; mill mounts everything else. */
  readonly image?: string
  /** Names of environment variables to pass from the submitting process to the program. */
  readonly env?: ReadonlyArray<string>
  /** Environment variables to set for the program. Only their names are stored in the plan. */
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

/** A function that programs can call. Its arguments and result must be JSON. If it rejects, the program's call rejects. */
export type ExtensionFunction = (...args: ReadonlyArray<unknown>) => Promise<unknown>

/** Hooks that observe runs, and functions that programs call as `mill.<name>.<function>`. */
export interface Extension {
  /** A JavaScript identifier that is not already a property of `mill`. */
  readonly name: string
  readonly description?: string
  /** Runs once in the run's worker process, before the program starts. Its resources are released when the run ends. */
  readonly setup?: ExtensionSetup
  /** Runs for each event in the run's event log, one at a time. A slow hook does not delay the run. */
  readonly onEvent?: ExtensionOnEvent
  /** The functions that programs call as `mill.<name>.<function>`. They run in the run's worker process. */
  readonly api?: Readonly<Record<string, ExtensionFunction>>
  /** Descriptions and TypeScript types of the functions, used by `mill --help` and `mill init`. */
  readonly docs?: Readonly<Record<string, FunctionDoc>>
}

/** The default export of `mill.config.ts`. */
export interface MillConfig {
  /** The driver to use when `--driver` is not given. */
  readonly defaultDriver?: string
  /** The executor to use when `--executor` is not given. Default: `direct`. */
  readonly defaultExecutor?: string
  /** Drivers by name, in addition to the built-in `claude`, `pi`, `codex` and `offline`. To replace a built-in driver, use its name. */
  readonly drivers?: Readonly<Record<string, ProcessDriver | HttpDriver>>
  /** Executors by name, in addition to the built-in `direct` and `vm`. To replace a built-in executor, use its name. */
  readonly executors?: Readonly<Record<string, DirectExecutor | VmExecutor>>
  /** Guidance for program authors, for example which model to use for which kind of task. `mill --help` prints it. */
  readonly authoring?: { readonly instructions?: string }
  readonly extensions?: ReadonlyArray<Extension>
  /** Whether `mill run`, in a terminal, shows a preview and asks before it starts a run. Default: true. */
  readonly confirm?: boolean
  /** Seconds to wait between SIGTERM and SIGKILL when a process is stopped. Default: 5. */
  readonly cancelGrace?: number
  /** Maximum depth of nested runs. Default: 1. */
  readonly maxRunDepth?: number
}
