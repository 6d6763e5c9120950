"""Two training streams as one: own drives beside the simulator, so that fine-tuning does not unlearn what it does not show.

    python mix_streams.py --share 0.5 "python gnm_data.py SET" "pilotage-sim-data stream --split train --seed 3" > stream

`--share` of the batches come from the first. Both must have the same blocks, anchors, goals and arrays. Ends when one of them does.
"""

import argparse
import json
import sys

from stream import Stream, StreamError, read_batch


def main():
    parser = argparse.ArgumentParser(description="Two training streams as one.")
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("--share", type=float, default=0.5, help="of the first, 0..1")
    parser.add_argument("--batches", type=int, default=0, help="end after so many; 0 goes on for ever")
    args = parser.parse_args()
    if not 0.0 <= args.share <= 1.0:
        sys.exit(f"mix_streams: --share {args.share} is outside 0..1")
    streams = []
    try:
        for command in (args.first, args.second):
            streams.append(Stream(command))
        layouts = [stream.layout for stream in streams]
        if layouts[0] != layouts[1]:
            sys.exit(f"mix_streams: the streams differ: {layouts[0]} and {layouts[1]}")
        out = sys.stdout.buffer
        names = [name for name, _, _ in layouts[0].arrays()]
        header = {"blocks": layouts[0].blocks, "anchors": layouts[0].anchors, "goals": layouts[0].goals, "order": names}
        out.write(json.dumps(header).encode() + b"\n")
        count, owed = 0, 0.0
        while args.batches == 0 or count < args.batches:
            # Evenly spread, not drawn: the share holds over every stretch of the training.
            owed += args.share
            which = 0 if owed >= 1.0 - 1e-9 else 1
            owed -= 1.0 - which
            out.write(read_batch(streams[which].fd, layouts[which]))
            count += 1
        out.flush()
    except StreamError as error:
        sys.exit(f"mix_streams: {error}")
    except BrokenPipeError:
        # The trainer has ended; Python must not complain about it when it flushes.
        sys.stderr.close()
    finally:
        for stream in streams:
            stream.close()


if __name__ == "__main__":
    main()
