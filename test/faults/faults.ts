/** Faults: what is killed of a run, and when. */
import { waitFor, isAlive } from "../support/mill.ts"
import {
  agents,
  isStopped,
  firstAgent,
  hasSnapshot,
  host,
  kill,
  type LiveRun,
  logLines,
  logText,
  marked,
  moment,
  owner,
} from "./stage.ts"

/** Harms a run. `strike` resolves to whether the moment for it came. */
export type Fault = {
  readonly name: string
  readonly strike: (run: LiveRun) => Promise<boolean>
  /** The arguments of the program. */
  readonly args?: ReadonlyArray<string>
  /** Repeat the fault until its moment has come. */
  readonly isForced?: boolean
  /** Cancel the run after the fault. */
  readonly isCancelled?: boolean
}

const targets = {
  worker: (run: LiveRun) => kill(owner(run)),
  host: (run: LiveRun) => kill(host(run)),
  agent: (run: LiveRun) => kill(agents(run)),
  "worker and host": (run: LiveRun) => kill([...owner(run), ...host(run)]),
  all: (run: LiveRun) => kill([...owner(run), ...marked(run)]),
} as const
type Target = keyof typeof targets

const logHas = (run: LiveRun, type: string) => logText(run).includes(`"type":"${type}"`)
const count = (run: LiveRun, type: string) => logText(run).split(`"type":"${type}"`).length - 1

/** Whether the first agent has exited and the log does not have its end yet. */
const hasUnloggedExit = (run: LiveRun): boolean => {
  const pid = firstAgent(run)
  return pid !== undefined && !isAlive(pid) && !logHas(run, "spawn:complete")
}

/**
 * `there` is checked again once the worker is stopped: a stopped worker cannot leave the moment. `near` is quicker to check
 * and holds at the moment, or also after it.
 */
type Moment = {
  readonly name: string
  readonly there: (run: LiveRun) => boolean
  readonly near?: (run: LiveRun) => boolean
  readonly args?: ReadonlyArray<string>
}
const moments = {
  started: { name: "after run:start", there: (run) => logHas(run, "run:start") },
  spawning: {
    name: "between spawn:start and the agent's start",
    near: (run) => logHas(run, "spawn:start"),
    there: (run) => logHas(run, "spawn:start") && agents(run).length === 0 && firstAgent(run) === undefined,
  },
  streaming: {
    name: "in the middle of the agents' output",
    there: (run) => count(run, "spawn:tool_call") > 9 && !logHas(run, "run:complete"),
  },
  exited: {
    name: "after an agent's exit, before its terminal event",
    there: hasUnloggedExit,
    // The worker reads on for a second, as long as something holds the agent's output.
    args: ["holds"],
  },
  ended: {
    name: "after the terminal event, before the snapshots",
    there: (run) => logHas(run, "run:complete") && !hasSnapshot(run),
    // It takes longer to write a large result.
    args: ["first", "4000000"],
  },
} satisfies Record<string, Moment>

/** Stops the worker at the moment, makes sure that the moment has not passed, kills the target, and lets the others continue. */
const makeFault = (
  { args = [], name, there, near = there }: Moment,
  target: Target,
  isCancelled = false,
): Fault => ({
  name: `${target} killed ${name}${isCancelled ? ", then cancelled" : ""}`,
  args,
  isForced: true,
  isCancelled,
  strike: async (run) => {
    if (!(await moment(run, () => near(run)))) return false
    const worker = owner(run)
    kill(worker, "SIGSTOP")
    await waitFor("the worker to stop", () => worker.every(isStopped))
    const came = worker.length > 0 && there(run)
    if (came) targets[target](run)
    kill(worker, "SIGCONT")
    return came
  },
})

/** The faults at chosen moments. */
export const chosenFaults: ReadonlyArray<Fault> = [
  makeFault(moments.started, "worker"),
  makeFault(moments.started, "host"),
  makeFault(moments.started, "all"),
  makeFault(moments.spawning, "worker"),
  makeFault(moments.spawning, "host"),
  makeFault(moments.spawning, "all"),
  makeFault(moments.streaming, "worker"),
  makeFault(moments.streaming, "host"),
  makeFault(moments.streaming, "agent"),
  makeFault(moments.streaming, "worker and host"),
  makeFault(moments.streaming, "all"),
  makeFault(moments.streaming, "worker", true),
  makeFault(moments.streaming, "all", true),
  makeFault(moments.exited, "worker"),
  makeFault(moments.ended, "worker"),
  makeFault(moments.ended, "all"),
  makeFault(moments.ended, "worker", true),
]

/** Makes a generator of numbers from 0 to below 1, the same for the same seed. */
export const makeRandom = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Kills who has taken the run over from its dead worker, at some time while it settles the run. */
const killSuccessor = async (run: LiveRun, worker: ReadonlyArray<number>, millis: number) => {
  const next = await waitFor("a successor", () => {
    const found = owner(run).filter((pid) => !worker.includes(pid))
    return found.length > 0 ? found : hasSnapshot(run) ? [] : undefined
  })
  await Bun.sleep(millis)
  kill(next)
}

/** Makes the fault of a seed: a target is killed some milliseconds after some line of the log. */
export const makeSeededFault = (seed: number): Fault => {
  const random = makeRandom(seed)
  for (let warm = 0; warm < 3; warm += 1) random()
  const names: ReadonlyArray<string> = [...Object.keys(targets), "worker, then its successor"]
  const target = names[Math.floor(random() * names.length)] ?? "worker"
  const lines = Math.floor(random() * 52)
  const millis = Math.floor(random() * random() * 60)
  const later = Math.floor(random() * 40)
  return {
    name: `seed ${seed}: ${target} killed ${millis} ms after line ${lines}`,
    isCancelled: random() < 0.3,
    strike: async (run) => {
      await waitFor("the line", () => logLines(run) >= lines || hasSnapshot(run))
      await Bun.sleep(millis)
      const struck = !hasSnapshot(run)
      if (target in targets) targets[target as Target](run)
      else {
        const worker = owner(run)
        kill(worker)
        await killSuccessor(run, worker, later)
      }
      return struck
    },
  }
}
