"""Listens to velocity commands as a robot's base does, with the real rclpy.

Usage: listen_rclpy.py TOPIC TYPE SECONDS [--best-effort]

TYPE is Twist or TwistStamped. Prints READY when a publisher is connected; then, for each message,
one line of JSON: t_ns (its receipt on CLOCK_MONOTONIC), linear and angular ([x, y, z]), and for
TwistStamped stamp_ns and frame_id. Prints DONE at the end. The network is that of the usual ROS
variables, but confined to this computer unless ROS_AUTOMATIC_DISCOVERY_RANGE is set.
"""

import argparse
import time

import common


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("topic")
    parser.add_argument("type", choices=["Twist", "TwistStamped"])
    parser.add_argument("seconds", type=float)
    parser.add_argument("--best-effort", action="store_true")
    args = parser.parse_args()
    common.stay_on_this_computer()
    common.end_cleanly_when_told()
    deadline = common.Deadline(args.seconds)

    # Imported late: rclpy reads the environment when it is imported.
    import geometry_msgs.msg
    import rclpy
    from rclpy.qos import QoSProfile, QoSReliabilityPolicy

    rclpy.init()
    node = rclpy.create_node("pilotage_test_listener")
    stamped = args.type == "TwistStamped"

    def received(message):
        record = {"t_ns": time.monotonic_ns()}
        twist = message.twist if stamped else message
        record["linear"] = [twist.linear.x, twist.linear.y, twist.linear.z]
        record["angular"] = [twist.angular.x, twist.angular.y, twist.angular.z]
        if stamped:
            stamp = message.header.stamp
            record["stamp_ns"] = stamp.sec * 1_000_000_000 + stamp.nanosec
            record["frame_id"] = message.header.frame_id
        common.say(record)

    reliability = QoSReliabilityPolicy.BEST_EFFORT if args.best_effort else QoSReliabilityPolicy.RELIABLE
    # Deep, so that a busy machine shows up as lateness and not as loss.
    qos = QoSProfile(depth=500, reliability=reliability)
    subscription = node.create_subscription(getattr(geometry_msgs.msg, args.type), args.topic, received, qos)
    ready = False
    try:
        while not deadline.passed():
            if not ready and node.count_publishers(subscription.topic_name) > 0:
                ready = True
                common.say("READY")
            rclpy.spin_once(node, timeout_sec=max(0.0, min(0.05, deadline.left())))
    except KeyboardInterrupt:
        common.note("told to stop")
    common.say("DONE")
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
