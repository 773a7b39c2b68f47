// A thread's whole log, a record a line: {"seq", "runId", "at", "event"}.
import { Fault } from "./frames.mjs";

/** The stream that a log is, after checking its records. */
export function streamOfLog(bytes) {
  const lines = bytes.toString("utf8").split("\n").filter((line) => line !== "" && !line.startsWith(":"));
  let last;
  let run;
  const frames = lines.map((line, at) => {
    const { seq, runId, event } = JSON.parse(line);
    if (last !== undefined && seq <= last) throw new Fault(`record ${at + 1}: seq ${seq} after ${last}`);
    last = seq;
    if (event.type === "RUN_STARTED") run = event.runId;
    if (runId !== run) throw new Fault(`record ${at + 1}: run ${runId}, but run ${run} is active`);
    return `id: ${seq}\ndata: ${JSON.stringify(event)}\n\n`;
  });
  return Buffer.from(frames.join(""));
}
