// A child process that stands for its parent: signals go down to it, its end comes back up.
import { spawn } from "node:child_process"
import { constants } from "node:os"

const passedOn = ["SIGINT", "SIGTERM", "SIGHUP"]

/** The child was ended by a signal. */
export class SignalError extends Error {
  constructor(command, signal) {
    super(`${command} was ended by ${signal}`)
    this.signal = signal
  }
}

/**
 * Runs a command to its end. Resolves to its exit code and to what it printed where its streams are pipes; rejects with a
 * SignalError when a signal ended it.
 */
export const run = (command, args, options) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, options)
    let output = ""
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += chunk))
    // At a terminal Ctrl-C reaches the whole process group: passed on as well, the child would count it as two.
    const pass = (signal) => (signal === "SIGINT" && process.stdin.isTTY ? undefined : child.kill(signal))
    for (const signal of passedOn) process.on(signal, pass)
    const settle = (outcome) => {
      for (const signal of passedOn) process.off(signal, pass)
      outcome()
    }
    child.once("error", (error) => settle(() => reject(error)))
    child.once("close", (code, signal) =>
      settle(() => (signal === null ? resolve({ code, output }) : reject(new SignalError(command, signal)))),
    )
  })

/** Ends this process by the same signal, so that whoever waits for it sees what it would have seen of the child. */
export const endBy = (signal) => {
  process.kill(process.pid, signal)
  setTimeout(() => process.exit(128 + constants.signals[signal]), 1000)
}
