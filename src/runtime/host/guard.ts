/**
 * Settles a run whose host is in a sandbox, in case the worker dies: the host cannot start mill from in there, and dies
 * with the worker. The guard is the same script as the host, run outside of the sandbox.
 */
import { startSettling } from "./start-settling.ts"

/** The first argument that turns the host's script into the guard. */
export const guardWord = "--guard"

/** Waits until the worker that listens at `socketPath` is gone, settles the run and exits. */
export const keepGuard = async (socketPath: string, planFile: string, mill: ReadonlyArray<string>) => {
  const settle = () => {
    startSettling(mill, planFile)
    process.exit(0)
  }
  await Bun.connect({ unix: socketPath, socket: { data: () => undefined, close: settle } }).catch(settle)
  return new Promise<never>(() => undefined)
}
