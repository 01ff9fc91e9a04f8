/**
 * What is kept in `corpus/`: a folder for each kind of input, in it one for
 * each answer, such as `400_invalid_json`, and in that a file for each input.
 *
 * @module
 */

import { ROOT } from "../files.ts";

/** One input, and what it has to be answered with. */
export interface Sample {
  /** Where it is, for people. */
  readonly path: string;
  /** The name of its file without the ending. */
  readonly name: string;
  /** The answer: a status or a close code, and what else there is to say, such as `422 invalid_id`. */
  readonly answer: string;
  /** What is sent. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Reads all samples of a kind, in order. */
export async function readCorpus(kind: string): Promise<Sample[]> {
  const folder = `tests/fuzz/corpus/${kind}`;
  const samples: Sample[] = [];
  for (const answer of await namesIn(folder)) {
    for (const file of await namesIn(`${folder}/${answer}`)) {
      const path = `${folder}/${answer}/${file}`;
      samples.push({
        path,
        name: file.replace(/\.[a-z]+$/, ""),
        answer: answer.replace("_", " "),
        bytes: await Deno.readFile(ROOT + path),
      });
    }
  }
  return samples;
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(ROOT + folder));
  return entries.map(({ name }) => name).sort();
}
