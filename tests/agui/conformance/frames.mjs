// What the official client does not look at: the bytes of the stream, and that runs are whole.

/** A fault of a stream, with where it is. */
export class Fault extends Error {}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The events of a stream in our framing: comments, `id: N`, and one `data: {…}` line each, LF only. */
export function readFrames(bytes) {
  const text = decode(bytes);
  const cr = text.indexOf("\r");
  if (cr >= 0) throw new Fault(`a carriage return at character ${cr}; frames must end with LF only`);
  if (text !== "" && !text.endsWith("\n\n")) throw new Fault("the last frame is not ended by an empty line");
  const events = [];
  let lastId = -1;
  text.split("\n\n").slice(0, -1).forEach((block, at) => {
    const frame = readBlock(block, `block ${at + 1}`);
    if (frame.id !== undefined && frame.id < lastId) {
      throw new Fault(`block ${at + 1}: id ${frame.id} after id ${lastId}; ids must not go back`);
    }
    lastId = frame.id ?? lastId;
    if (frame.data !== undefined) events.push(parse(frame.data, `block ${at + 1}`));
  });
  return events;
}

function decode(bytes) {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Fault("the stream is not UTF-8");
  }
}

function readBlock(block, where) {
  const frame = {};
  for (const line of block.split("\n")) {
    if (line.startsWith(":")) continue;
    const field = /^(id|data): (.*)$/su.exec(line);
    if (!field) throw new Fault(`${where}: unexpected line ${JSON.stringify(line.slice(0, 80))}`);
    const [, name, value] = field;
    if (name in frame) throw new Fault(`${where}: two ${name} lines in one frame`);
    if (name === "id" && !/^(0|[1-9]\d*)$/.test(value)) throw new Fault(`${where}: id ${value} is not a number`);
    frame[name] = name === "id" ? Number(value) : value;
  }
  return frame;
}

function parse(data, where) {
  try {
    return JSON.parse(data);
  } catch (error) {
    throw new Fault(`${where}: not JSON: ${error.message}`);
  }
}

/** Every run is whole, on one thread, and ends as itself; interrupts have ids of their own. Returns how many there are. */
export function checkRuns(events) {
  let run;
  let thread;
  let runs = 0;
  events.forEach((event, at) => {
    const where = `event ${at + 1} (${event.type})`;
    if (event.type === "RUN_STARTED") {
      if (run !== undefined) throw new Fault(`${where}: run ${run} has no terminal event`);
      thread ??= event.threadId;
      if (event.threadId !== thread) throw new Fault(`${where}: thread ${event.threadId} on the stream of ${thread}`);
      if (event.input && event.input.threadId !== thread) throw new Fault(`${where}: the input is for another thread`);
      run = event.runId;
      runs += 1;
    } else if (run === undefined) {
      throw new Fault(`${where}: outside a run`);
    } else if (event.type === "RUN_FINISHED") {
      checkEnd(event, thread, run, where);
      run = undefined;
    } else if (event.type === "RUN_ERROR") {
      run = undefined;
    }
  });
  if (run !== undefined) throw new Fault(`run ${run} has no terminal event`);
  return runs;
}

function checkEnd(event, thread, run, where) {
  if (event.threadId !== thread) throw new Fault(`${where}: thread ${event.threadId}, expected ${thread}`);
  if (event.runId !== run) throw new Fault(`${where}: run ${event.runId}, expected ${run}`);
  const ids = (event.outcome?.interrupts ?? []).map((interrupt) => interrupt.id);
  const repeated = ids.find((id, at) => ids.indexOf(id) !== at);
  if (repeated !== undefined) throw new Fault(`${where}: interrupt ${repeated} occurs twice`);
}
