#!/usr/bin/env python3
"""The records of Reports/leakage-vs-compression: short ones of Dolly for four data holders, and public text of the same kind.

    Benchmarks/leakage/records.py --fsot .build/release/fsot --model MODEL --dolly databricks-dolly-15k.sorted.jsonl -o DIRECTORY

Every record of 24 to 64 tokens is private until there are 4 x 530, drawn with a fixed seed; the public text is drawn from the rest.
"""
import argparse
import json
import pathlib
import random
import subprocess
import tempfile

HOLDERS, RECORDS, PUBLIC = ("north", "east", "south", "west"), 530, 2000
SHORTEST, LONGEST = 24, 64


def main():
    options = arguments()
    lines = sorted(set(options.dolly.read_text().splitlines()))
    random.Random(1).shuffle(lines)
    lengths = count_tokens(options, lines)
    fitting = [line for line, length in zip(lines, lengths) if SHORTEST <= length <= LONGEST]
    private = fitting[: len(HOLDERS) * RECORDS]
    taken = set(private)
    public = [line for line in lines if line not in taken][:PUBLIC]
    options.output.mkdir(parents=True, exist_ok=True)
    for number, holder in enumerate(HOLDERS):
        write(options.output / f"{holder}.jsonl", private[number::len(HOLDERS)])
    write(options.output / "public.jsonl", public)
    print(f"{len(private)} private records of {len(fitting)} that fit, {len(public)} public ones in {options.output}")


def arguments():
    parser = argparse.ArgumentParser(description="Pick the records of the leakage sweep.")
    parser.add_argument("--fsot", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--dolly", type=pathlib.Path, required=True)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    return parser.parse_args()


def count_tokens(options, lines):
    with tempfile.TemporaryDirectory() as folder:
        texts, ids = pathlib.Path(folder, "texts.jsonl"), pathlib.Path(folder, "ids.jsonl")
        write(texts, [json.dumps({"text": plain(json.loads(line))}) for line in lines])
        subprocess.run([options.fsot, "tokenize", options.model, "--input", texts, "--output", ids, "--quiet"],
                       check=True, stdout=subprocess.DEVNULL)
        return [len(json.loads(line)["ids"]) + 1 for line in ids.read_text().splitlines()]


def plain(record):
    """The record as the template `plain` writes it."""
    return "\n".join(record[key] for key in ("instruction", "context", "response") if record[key])


def write(path, lines):
    path.write_text("".join(line + "\n" for line in lines))


if __name__ == "__main__":
    main()
