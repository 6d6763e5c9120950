"""Drives a simulated robot as any ROS 2 program would, with the real rclpy, and writes down all that it senses.

Usage: robot_rclpy.py NAMESPACE TYPE SECONDS [--plan SECONDS,LINEAR,ANGULAR ...] [--bump] [--pictures]

NAMESPACE is "" or "/r1"; TYPE is Twist or TwistStamped. Prints READY when odometry and a scan have come
and somebody listens to commands. Then follows the plan, sending 20 commands a second; a step of the plan
whose LINEAR is "-" sends nothing for so long. With --bump it then turns left until the nearest thing is about ahead,
and drives until the robot says that it touches it. Prints one line of JSON for each message, with kind,
t_ns (receipt, CLOCK_MONOTONIC), stamp_ns and frame_id, and one for each command and each step begun.
With --pictures the bytes of one picture in five come along in hex. Prints DONE at the end.
"""

import argparse
import math
import time

import common


class Log:
    """Prints what comes, and keeps the last of each kind."""

    def __init__(self, with_pictures):
        self.last = {}
        self.counts = {}
        self.with_pictures = with_pictures

    def say(self, kind, message, **fields):
        record = {"kind": kind, "t_ns": time.monotonic_ns()}
        header = getattr(message, "header", None)
        if header is not None:
            record["stamp_ns"] = header.stamp.sec * 1_000_000_000 + header.stamp.nanosec
            record["frame_id"] = header.frame_id
        record.update(fields)
        self.last[kind] = message
        self.counts[kind] = self.counts.get(kind, 0) + 1
        common.say(record)

    def picture(self, kind, message, **fields):
        # Told by the stamp, so that pictures of the same moment are chosen on both topics.
        if self.with_pictures and message.header.stamp.nanosec // 50_000_000 % 5 == 0:
            fields["hex"] = bytes(message.data).hex()
        self.say(kind, message, bytes=len(message.data), **fields)

    def odometry(self, message):
        pose, twist = message.pose.pose, message.twist.twist
        self.say(
            "odom",
            message,
            child_frame_id=message.child_frame_id,
            x=pose.position.x,
            y=pose.position.y,
            yaw=2.0 * math.atan2(pose.orientation.z, pose.orientation.w),
            v=twist.linear.x,
            w=twist.angular.z,
            variances=[message.pose.covariance[i * 7] for i in range(6)],
        )

    def scan(self, message):
        ranges = [r if math.isfinite(r) else None for r in message.ranges]
        fields = {name: getattr(message, name) for name in ("angle_min", "angle_max", "angle_increment", "range_min", "range_max", "scan_time")}
        self.say("scan", message, ranges=[None if r is None else round(r, 4) for r in ranges], **fields)

    def camera_info(self, message):
        size = {"width": message.width, "height": message.height}
        self.say("camera_info", message, k=list(message.k), p=list(message.p), model=message.distortion_model, d=list(message.d), roi=message.roi.do_rectify, **size)


def ahead(scan):
    """The nearest thing within 3 degrees of straight ahead, metres."""
    near = [
        r
        for i, r in enumerate(scan.ranges)
        if abs(scan.angle_min + i * scan.angle_increment) < math.radians(3.0) and math.isfinite(r)
    ]
    return min(near, default=math.inf)


def nearest(scan):
    """The nearest thing anywhere, metres."""
    return min((r for r in scan.ranges if math.isfinite(r)), default=math.inf)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("namespace")
    parser.add_argument("type", choices=["Twist", "TwistStamped"])
    parser.add_argument("seconds", type=float)
    parser.add_argument("--plan", nargs="*", default=[])
    parser.add_argument("--bump", action="store_true")
    parser.add_argument("--pictures", action="store_true")
    args = parser.parse_args()
    common.stay_on_this_computer()
    common.end_cleanly_when_told()
    deadline = common.Deadline(args.seconds)

    import geometry_msgs.msg
    import nav_msgs.msg
    import rclpy
    import rosgraph_msgs.msg
    import sensor_msgs.msg
    import std_msgs.msg
    from rclpy.qos import QoSProfile, QoSReliabilityPolicy, qos_profile_sensor_data

    rclpy.init()
    node = rclpy.create_node("pilotage_test_driver")
    log = Log(args.pictures)
    reliable = QoSProfile(depth=500, reliability=QoSReliabilityPolicy.RELIABLE)
    sensor = sensor_msgs.msg

    def listen(message_type, name, callback, qos=qos_profile_sensor_data):
        node.create_subscription(message_type, args.namespace + name, callback, qos)

    listen(nav_msgs.msg.Odometry, "/odom", log.odometry, reliable)
    listen(sensor.LaserScan, "/scan", log.scan)
    listen(std_msgs.msg.Bool, "/contact", lambda m: log.say("contact", m, data=m.data), reliable)
    if args.pictures:
        listen(sensor.Image, "/image_raw", lambda m: log.picture("image", m, width=m.width, height=m.height, step=m.step, encoding=m.encoding))
        listen(sensor.CompressedImage, "/image_raw/compressed", lambda m: log.picture("compressed", m, format=m.format))
        listen(sensor.CameraInfo, "/camera_info", log.camera_info)
    node.create_subscription(rosgraph_msgs.msg.Clock, "/clock", lambda m: log.say("clock", None, stamp_ns=m.clock.sec * 1_000_000_000 + m.clock.nanosec), qos_profile_sensor_data)
    stamped = args.type == "TwistStamped"
    command_topic = args.namespace + "/cmd_vel"
    if args.plan or args.bump:
        publisher = node.create_publisher(getattr(geometry_msgs.msg, args.type), command_topic, 1)
    else:
        publisher = None
        node.create_subscription(geometry_msgs.msg.Twist, command_topic + "_expert", lambda m: log.say("cmd_vel", m, linear=m.linear.x, angular=m.angular.z), reliable)

    def send(linear, angular):
        message = getattr(geometry_msgs.msg, args.type)()
        twist = message.twist if stamped else message
        twist.linear.x, twist.angular.z = linear, angular
        if stamped:
            message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)
        common.say({"kind": "sent", "t_ns": time.monotonic_ns(), "linear": linear, "angular": angular})

    def pass_time(seconds, command, done=lambda: False):
        """Sends `command` (or nothing) 20 times a second and listens, until it is done; whether it was."""
        end = time.monotonic() + seconds
        next_command = time.monotonic()
        while not deadline.passed() and time.monotonic() < end:
            if done():
                return True
            if command is not None and time.monotonic() >= next_command:
                send(*command)
                next_command += 0.05
            rclpy.spin_once(node, timeout_sec=0.005)
        return done()

    def connected():
        heard = "odom" in log.last and "scan" in log.last and (not args.pictures or {"image", "compressed"} <= set(log.last))
        return heard and (publisher is None or publisher.get_subscription_count() > 0)

    try:
        if not pass_time(30.0, None, connected):
            common.note(f"heard only {sorted(log.last)}")
        common.say("READY")
        for number, step in enumerate(args.plan):
            seconds, linear, angular = step.split(",")
            common.say({"kind": "step", "number": number, "t_ns": time.monotonic_ns()})
            pass_time(float(seconds), None if linear == "-" else (float(linear), float(angular)))
        if args.bump:
            common.say({"kind": "step", "number": "turn", "t_ns": time.monotonic_ns()})
            pass_time(15.0, (0.0, 0.7), lambda: ahead(log.last["scan"]) < nearest(log.last["scan"]) + 0.3)
            common.say({"kind": "step", "number": "still", "t_ns": time.monotonic_ns()})
            pass_time(0.6, (0.0, 0.0))
            common.say({"kind": "step", "number": "bump", "t_ns": time.monotonic_ns()})
            pass_time(15.0, (0.3, 0.0), lambda: "contact" in log.last and log.last["contact"].data)
            common.say({"kind": "step", "number": "push", "t_ns": time.monotonic_ns()})
            pass_time(0.3, (0.3, 0.0))
            common.say({"kind": "step", "number": "bumped", "t_ns": time.monotonic_ns()})
            pass_time(0.5, (0.0, 0.0))
        if not args.plan and not args.bump:
            pass_time(deadline.left(), None)
    except KeyboardInterrupt:
        common.note("told to stop")
    common.say("DONE")
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
