"""Drives a simulated robot with Cyclone DDS, which shares no code with Fast DDS or with us.

Usage: robot_cyclone.py NAMESPACE TYPE SECONDS [--plan SECONDS,LINEAR,ANGULAR ...] [--best-effort]

Arguments and output are those of robot_rclpy.py, as far as they go: odometry, transforms and raw pictures are
written down. With --best-effort commands are sent so; reliable otherwise.
"""

import argparse
import math
import os
import time
from dataclasses import dataclass

import common
from listen_cyclone import CONFIG


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("namespace")
    parser.add_argument("type", choices=["Twist", "TwistStamped"])
    parser.add_argument("seconds", type=float)
    parser.add_argument("--plan", nargs="*", default=[])
    parser.add_argument("--best-effort", action="store_true")
    args = parser.parse_args()
    # Read by the library when it is loaded.
    os.environ.setdefault("CYCLONEDDS_URI", CONFIG)
    common.end_cleanly_when_told()
    deadline = common.Deadline(args.seconds)

    from cyclonedds.core import Policy, Qos
    from cyclonedds.domain import DomainParticipant
    from cyclonedds.idl import IdlStruct
    from cyclonedds.idl.types import array, float64, int32, sequence, uint8, uint32
    from cyclonedds.pub import DataWriter
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
    class Quaternion(IdlStruct, typename="geometry_msgs::msg::dds_::Quaternion_"):
        x: float64
        y: float64
        z: float64
        w: float64

    @dataclass
    class Twist(IdlStruct, typename="geometry_msgs::msg::dds_::Twist_"):
        linear: Vector3
        angular: Vector3

    @dataclass
    class TwistStamped(IdlStruct, typename="geometry_msgs::msg::dds_::TwistStamped_"):
        header: Header
        twist: Twist

    @dataclass
    class Pose(IdlStruct, typename="geometry_msgs::msg::dds_::Pose_"):
        position: Vector3
        orientation: Quaternion

    @dataclass
    class PoseWithCovariance(IdlStruct, typename="geometry_msgs::msg::dds_::PoseWithCovariance_"):
        pose: Pose
        covariance: array[float64, 36]

    @dataclass
    class TwistWithCovariance(IdlStruct, typename="geometry_msgs::msg::dds_::TwistWithCovariance_"):
        twist: Twist
        covariance: array[float64, 36]

    @dataclass
    class Odometry(IdlStruct, typename="nav_msgs::msg::dds_::Odometry_"):
        header: Header
        child_frame_id: str
        pose: PoseWithCovariance
        twist: TwistWithCovariance

    @dataclass
    class Transform(IdlStruct, typename="geometry_msgs::msg::dds_::Transform_"):
        translation: Vector3
        rotation: Quaternion

    @dataclass
    class TransformStamped(IdlStruct, typename="geometry_msgs::msg::dds_::TransformStamped_"):
        header: Header
        child_frame_id: str
        transform: Transform

    @dataclass
    class TFMessage(IdlStruct, typename="tf2_msgs::msg::dds_::TFMessage_"):
        transforms: sequence[TransformStamped]

    @dataclass
    class Image(IdlStruct, typename="sensor_msgs::msg::dds_::Image_"):
        header: Header
        height: uint32
        width: uint32
        encoding: str
        is_bigendian: uint8
        step: uint32
        data: sequence[uint8]

    # What ROS speaks; this library would insist on the newer representation.
    cdr = Policy.DataRepresentation(use_cdrv0_representation=True, use_xcdrv2_representation=False)
    reliable, best_effort = Policy.Reliability.Reliable(duration(seconds=1)), Policy.Reliability.BestEffort
    participant = DomainParticipant(common.domain_id())

    def reader(name, message_type, reliability):
        topic = Topic(participant, "rt" + name, message_type)
        return DataReader(participant, topic, qos=Qos(reliability, Policy.History.KeepLast(500), cdr))

    odometry = reader(args.namespace + "/odom", Odometry, reliable)
    transforms = reader("/tf", TFMessage, reliable)
    images = reader(args.namespace + "/image_raw", Image, best_effort)
    stamped = args.type == "TwistStamped"
    command_topic = Topic(participant, "rt" + args.namespace + "/cmd_vel", TwistStamped if stamped else Twist)
    command_qos = Qos(best_effort if args.best_effort else reliable, Policy.History.KeepLast(1), cdr)
    writer = DataWriter(participant, command_topic, qos=command_qos)

    def stamp_ns(header):
        return header.stamp.sec * 1_000_000_000 + header.stamp.nanosec

    def yaw(rotation):
        return 2.0 * math.atan2(rotation.z, rotation.w)

    heard = set()

    def say(kind, header, **fields):
        heard.add(kind)
        common.say({"kind": kind, "t_ns": time.monotonic_ns(), "stamp_ns": stamp_ns(header), "frame_id": header.frame_id, **fields})

    def listen():
        for m in odometry.take(N=500):
            if hasattr(m, "header"):
                pose, twist = m.pose.pose, m.twist.twist
                say("odom", m.header, child_frame_id=m.child_frame_id, x=pose.position.x, y=pose.position.y, yaw=yaw(pose.orientation), v=twist.linear.x, w=twist.angular.z, variances=[m.pose.covariance[i * 7] for i in range(6)])
        for m in transforms.take(N=500):
            for t in getattr(m, "transforms", []):
                moved, turned = t.transform.translation, t.transform.rotation
                say("tf", t.header, child_frame_id=t.child_frame_id, x=moved.x, y=moved.y, z=moved.z, yaw=yaw(turned), rotation=[turned.x, turned.y, turned.z, turned.w])
        for m in images.take(N=500):
            if hasattr(m, "header"):
                say("image", m.header, width=m.width, height=m.height, step=m.step, encoding=m.encoding, bytes=len(m.data))

    def send(linear, angular):
        twist = Twist(Vector3(linear, 0.0, 0.0), Vector3(0.0, 0.0, angular))
        now = time.time_ns()
        header = Header(Time(now // 1_000_000_000, now % 1_000_000_000), "base_link")
        writer.write(TwistStamped(header, twist) if stamped else twist)
        common.say({"kind": "sent", "t_ns": time.monotonic_ns(), "linear": linear, "angular": angular})

    def pass_time(seconds, command, done=lambda: False):
        end = time.monotonic() + seconds
        next_command = time.monotonic()
        while not deadline.passed() and time.monotonic() < end and not done():
            if command is not None and time.monotonic() >= next_command:
                send(*command)
                next_command += 0.05
            listen()
            time.sleep(0.002)

    try:
        pass_time(30.0, None, lambda: {"odom", "tf", "image"} <= heard and writer.get_matched_subscriptions())
        common.say("READY")
        for number, step in enumerate(args.plan):
            seconds, linear, angular = step.split(",")
            common.say({"kind": "step", "number": number, "t_ns": time.monotonic_ns()})
            pass_time(float(seconds), None if linear == "-" else (float(linear), float(angular)))
    except KeyboardInterrupt:
        common.note("told to stop")
    common.say("DONE")


if __name__ == "__main__":
    main()
