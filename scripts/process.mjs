// Runs a child process in place of this one: signals are passed on, and its exit becomes this one's.
import { spawn } from "node:child_process"
import { constants } from "node:os"

const signals = ["SIGINT", "SIGTERM", "SIGHUP"]

/** A signal killed the child. */
export class SignalError extends Error {
  constructor(command, signal) {
    super(`${command} was killed by ${signal}`)
    this.signal = signal
  }
}

/**
 * Runs a command to its end. Resolves to its exit code and, where its streams are pipes, its output. Rejects with a
 * SignalError if a signal killed it.
 */
export const run = (command, args, options) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, options)
    let output = ""
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += chunk))
    // At a terminal Ctrl-C reaches the whole process group: passed on, the child would get it twice.
    const passOn = (signal) => (signal === "SIGINT" && process.stdin.isTTY ? undefined : child.kill(signal))
    for (const signal of signals) process.on(signal, passOn)
    const settle = (outcome) => {
      for (const signal of signals) process.off(signal, passOn)
      outcome()
    }
    child.once("error", (error) => settle(() => reject(error)))
    child.once("close", (code, signal) =>
      settle(() => (signal === null ? resolve({ code, output }) : reject(new SignalError(command, signal)))),
    )
  })

/** Kills this process with the same signal, so that its parent sees how the child ended. */
export const killSelf = (signal) => {
  process.kill(process.pid, signal)
  setTimeout(() => process.exit(128 + constants.signals[signal]), 1000)
}
