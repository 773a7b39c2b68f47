#!/usr/bin/env node
// Runs recorded streams through the official AG-UI client 1.0 and everything it does not check itself.
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runClient } from "./conformance/client.mjs";
import { checkSame } from "./conformance/compare.mjs";
import { Fault, checkRuns, readFrames } from "./conformance/frames.mjs";
import { streamOfLog } from "./conformance/log.mjs";
import { checkSchema } from "./conformance/schema.mjs";

const USAGE = `usage: check.mjs [--expect FILE | --log FILE] PATH...
       check.mjs --self-test
       check.mjs --serve

PATH is a recorded stream (.sse), a thread's log (.jsonl), a folder of them, or - for a stream on stdin.
A file NAME.expect.json next to NAME.sse says what the client must end with: {"messages": [...], "state": ...}.

  --expect FILE  every stream must end with what FILE says
  --log FILE     every stream must end with what the client makes of the thread log FILE
  --self-test    check the checker: streams in good/ must pass, those in bad/ must fail for the reason they give
  --serve        take calls from stdin, each a line with a JSON array of arguments, and end each report with PASS or FAIL

Exit code: 0 all pass, 1 a stream fails, 2 the call is wrong.`;

/** Everything that a stream must be; returns what the client made of it. */
async function check(bytes) {
  const events = readFrames(bytes);
  checkSchema(events);
  const runs = checkRuns(events);
  const result = await runClient(bytes, events[0]?.threadId);
  return { ...result, summary: `${events.length} events, ${runs} runs` };
}

function read(file) {
  if (file === "-") return readFileSync(0);
  const bytes = readFileSync(file);
  return file.endsWith(".jsonl") ? streamOfLog(bytes) : bytes;
}

function expectationOf(file) {
  const beside = file.replace(/\.(sse|jsonl)$/, ".expect.json");
  return beside !== file && existsSync(beside) ? JSON.parse(readFileSync(beside, "utf8")) : undefined;
}

async function checkFile(file, expected) {
  const result = await check(read(file));
  for (const expectation of [expected, expectationOf(file)]) {
    if (expectation) checkSame(result, expectation);
  }
  return result.summary;
}

/** A line for each file; whether all pass. */
async function checkAll(files, expected) {
  let failed = 0;
  for (const file of files) {
    try {
      console.log(`ok    ${file}: ${await checkFile(file, expected)}`);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      failed += 1;
      console.log(`FAIL  ${file}: ${error.message}`);
    }
  }
  console.log(`${files.length} streams, ${failed} failed`);
  return failed === 0 && files.length > 0;
}

/** The reason that a bad stream gives for itself, in its first line: `: must fail: REASON`. */
function reasonOf(file) {
  return /^: must fail: (.+?)\r?\n/.exec(readFileSync(file, "utf8"))?.[1];
}

async function selfTest() {
  const folder = (name) => fileURLToPath(new URL(name, import.meta.url));
  let passed = await checkAll(filesOf(folder("good")));
  for (const file of filesOf(folder("bad"))) {
    const found = await checkFile(file).then(() => "it passed", (error) => error.message);
    const reason = reasonOf(file);
    const right = reason !== undefined && found.includes(reason);
    passed &&= right;
    console.log(`${right ? "ok  " : "FAIL"}  ${file}: ${right ? "" : `expected "${reason}", but: `}${found}`);
  }
  return passed;
}

function filesOf(target) {
  if (target === "-" || !statSync(target).isDirectory()) return [target];
  const names = readdirSync(target).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return names.filter((name) => /\.(sse|jsonl)$/.test(name)).map((name) => path.join(target, name));
}

async function call(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      expect: { type: "string" },
      log: { type: "string" },
      "self-test": { type: "boolean" },
      serve: { type: "boolean" },
    },
  });
  if (values.serve) return serve();
  if (values["self-test"]) return selfTest();
  if (positionals.length === 0) throw new TypeError("no PATH given");
  let expected = values.expect && JSON.parse(readFileSync(values.expect, "utf8"));
  if (values.log) expected = await check(read(values.log));
  return checkAll(positionals.flatMap(filesOf), expected);
}

/** Loading the packages takes longer than most checks: tests with many of them keep one process. */
async function serve() {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log((await exitCode(JSON.parse(line))) === 0 ? "PASS" : "FAIL");
  }
  return true;
}

async function exitCode(args) {
  try {
    return (await call(args)) ? 0 : 1;
  } catch (error) {
    const isFault = error instanceof Fault;
    console.log(isFault ? `FAIL  --log: ${error.message}` : `error: ${error.message}\n\n${USAGE}`);
    return isFault ? 1 : 2;
  }
}

process.exitCode = await exitCode(process.argv.slice(2));
