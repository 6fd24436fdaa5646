const IPC_PRIVATE = 0;

/** What shared memory, semaphores and message queues of System V have in common. */
export class IpcObject {
  /** IPC_PRIVATE: none. */
  key = IPC_PRIVATE;
  /** Access bits, and flags that it was made with. */
  mode = 0o600;
  /** Its owner, undefined: whoever the program was at its start. */
  uid: number | undefined;
  gid: number | undefined;
  /** A call of the recording may have made it. Else it is older, or somebody else's. */
  isOurs = false;
  /** It was found by its key, or made: what it is is known. */
  isKnown = false;

  constructor(readonly id: number) {}
}
