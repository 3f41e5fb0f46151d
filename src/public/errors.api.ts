/** The tagged errors of mill's methods. */
export {
  CancelIncomplete,
  ConfigError,
  IllegalLine,
  LaunchError,
  ProgramError,
  RunNotFound,
  StoreError,
  UnsupportedVersion,
  UsageError,
  WaitTimeout,
} from "../domain/error.schema.ts"
