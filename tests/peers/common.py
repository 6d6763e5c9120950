"""What the peers share: their output, their end, and staying on this computer."""

import json
import os
import signal
import sys
import time


def say(record):
    """Prints one line of JSON, or a bare word, and gets it out at once."""
    line = record if isinstance(record, str) else json.dumps(record)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def note(text):
    """Prints a remark for whoever reads the log of a failed test."""
    sys.stderr.write(f"{os.path.basename(sys.argv[0])}: {text}\n")
    sys.stderr.flush()


def end_cleanly_when_told():
    """Lets SIGTERM end the program as Ctrl-C does, so that the network hears of it."""

    def stop(_number, _frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)


def stay_on_this_computer():
    """Confines ROS to the loopback interface unless the caller has decided otherwise."""
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    # rclpy writes logs under the home directory unless told where to.
    os.environ.setdefault("ROS_LOG_DIR", os.path.join("/tmp", f"pilotage-ros-peers-{os.getuid()}"))


def domain_id():
    """The domain of ROS_DOMAIN_ID."""
    return int(os.environ.get("ROS_DOMAIN_ID") or 0)


class Deadline:
    """A point in time on the monotonic clock that every loop of a peer ends at."""

    def __init__(self, seconds):
        self.at = time.monotonic() + seconds

    def left(self):
        return self.at - time.monotonic()

    def passed(self):
        return self.left() <= 0.0
