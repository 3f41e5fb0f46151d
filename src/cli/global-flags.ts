/** Flags that may stand anywhere on a command line. */
import { Flag, GlobalFlag } from "effect/cli"

export const jsonFlag = GlobalFlag.Setting("json")({
  flag: Flag.Boolean("json").pipe(
    Flag.withDescription("Print JSON on stdout, and nothing else there"),
    Flag.withDefault(false),
  ),
})

export const runsDirFlag = GlobalFlag.Setting("runs-dir")({
  flag: Flag.String("runs-dir").pipe(
    Flag.withDescription("The folder of all runs, instead of $MILL_HOME/runs"),
    Flag.withMetavar("folder"),
    Flag.optional,
  ),
})

export const colorFlag = GlobalFlag.Setting("color")({
  flag: Flag.Boolean("color").pipe(
    Flag.withDescription("Colour; --no-color, NO_COLOR or a pipe turn it off"),
    Flag.withDefault(true),
  ),
})
