"""Writes a recorded stream to standard output again: the same batches for every net that is to be compared.

    pilotage-sim-data stream ... --batches 1200 > all.bin
    python replay_stream.py all.bin [--skip-pairs N] [--for-ever]

`--skip-pairs` leaves out what a resumed run has seen already; `--for-ever` begins again at the end of the file.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from stream import read_header

COPY_BYTES = 1 << 20


def main():
    parser = argparse.ArgumentParser(description="Write a recorded stream again.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--skip-pairs", type=int, default=0, help="leave out whole batches that hold so many pairs")
    parser.add_argument("--for-ever", action="store_true")
    args = parser.parse_args()
    out = sys.stdout.buffer
    with open(args.file, "rb", buffering=0) as file:
        layout = read_header(file.fileno())
        body = file.tell()
        batches = (os.fstat(file.fileno()).st_size - body) // layout.bytes()
        if batches == 0:
            sys.exit(f"{args.file} holds no whole batch")
        file.seek(0)
        skip = args.skip_pairs // (layout.blocks * layout.anchors * layout.goals)
        try:
            out.write(file.read(body))
            file.seek(body + (skip % batches if args.for_ever else min(skip, batches)) * layout.bytes())
            while True:
                shutil.copyfileobj(file, out, COPY_BYTES)
                if not args.for_ever:
                    break
                file.seek(body)
            out.flush()
        except BrokenPipeError:
            # Whoever trains has had enough.
            os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())


if __name__ == "__main__":
    main()
