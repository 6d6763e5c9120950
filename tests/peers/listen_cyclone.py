"""Listens to velocity commands with Cyclone DDS, which shares no code with Fast DDS or with us.

Usage: listen_cyclone.py TOPIC TYPE SECONDS [--best-effort]

The same output as listen_rclpy.py. TOPIC has to be absolute.
"""

import argparse
import os
import time
from dataclasses import dataclass

import common

CONFIG = """<CycloneDDS><Domain Id="any">
<General><Interfaces><NetworkInterface name="lo" multicast="false"/></Interfaces><AllowMulticast>false</AllowMulticast></General>
<Discovery><ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>60</MaxAutoParticipantIndex>
<Peers><Peer Address="127.0.0.1"/></Peers></Discovery>
</Domain></CycloneDDS>"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("topic")
    parser.add_argument("type", choices=["Twist", "TwistStamped"])
    parser.add_argument("seconds", type=float)
    parser.add_argument("--best-effort", action="store_true")
    args = parser.parse_args()
    # Read by the library when it is loaded.
    os.environ.setdefault("CYCLONEDDS_URI", CONFIG)
    common.end_cleanly_when_told()
    deadline = common.Deadline(args.seconds)

    from cyclonedds.core import Policy, Qos
    from cyclonedds.domain import DomainParticipant
    from cyclonedds.idl import IdlStruct
    from cyclonedds.idl.types import float64, int32, uint32
    from cyclonedds.sub import DataReader
    from cyclonedds.topic import Topic
    from cyclonedds.util import duration

    @dataclass
    class Time(IdlStruct, typename="builtin_interfaces::msg::dds_::Time_"):
        sec: int32
        nanosec: uint32

    @dataclass
    class Header(IdlStruct, typename="std_msgs::msg::dds_::Header_"):
        stamp: Time
        frame_id: str

    @dataclass
    class Vector3(IdlStruct, typename="geometry_msgs::msg::dds_::Vector3_"):
        x: float64
        y: float64
        z: float64

    @dataclass
    class Twist(IdlStruct, typename="geometry_msgs::msg::dds_::Twist_"):
        linear: Vector3
        angular: Vector3

    @dataclass
    class TwistStamped(IdlStruct, typename="geometry_msgs::msg::dds_::TwistStamped_"):
        header: Header
        twist: Twist

    stamped = args.type == "TwistStamped"
    reliability = Policy.Reliability.BestEffort if args.best_effort else Policy.Reliability.Reliable(duration(seconds=1))
    qos = Qos(
        reliability,
        Policy.History.KeepLast(500),
        # What ROS speaks; this library would insist on the newer representation.
        Policy.DataRepresentation(use_cdrv0_representation=True, use_xcdrv2_representation=False),
    )
    participant = DomainParticipant(common.domain_id())
    topic = Topic(participant, "rt" + args.topic, TwistStamped if stamped else Twist)
    reader = DataReader(participant, topic, qos=qos)
    ready = False
    try:
        while not deadline.passed():
            if not ready and reader.get_matched_publications():
                ready = True
                common.say("READY")
            for message in reader.take(N=500):
                if not hasattr(message, "twist" if stamped else "linear"):
                    continue  # A publisher has left; not a message.
                record = {"t_ns": time.monotonic_ns()}
                twist = message.twist if stamped else message
                record["linear"] = [twist.linear.x, twist.linear.y, twist.linear.z]
                record["angular"] = [twist.angular.x, twist.angular.y, twist.angular.z]
                if stamped:
                    record["stamp_ns"] = message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
                    record["frame_id"] = message.header.frame_id
                common.say(record)
            time.sleep(0.002)
    except KeyboardInterrupt:
        common.note("told to stop")
    common.say("DONE")


if __name__ == "__main__":
    main()
