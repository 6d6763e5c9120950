"""Publishes pictures as a camera driver does (best effort), with the real rclpy.

Usage: talk_image_rclpy.py TOPIC KIND SECONDS [--hz N] [--width N] [--height N]
           [--encoding rgb8|bgr8|mono8] [--padding BYTES] [--count N] [--file PATH]

KIND is raw (sensor_msgs/Image) or compressed (sensor_msgs/CompressedImage: a PNG drawn here, or the
file of --file as it is). TOPIC is the full topic, "/compressed" included. Prints READY when a
subscriber is connected, and only then begins to send; then, for each picture, one line of JSON: seq,
stamp_ns (CLOCK_REALTIME, also in its header), t_ns (CLOCK_MONOTONIC), and sha256: of the RGB8 pixels,
or of the file with --file. Prints DONE at the end.
"""

import argparse
import array
import hashlib
import struct
import time
import zlib

import common


def pattern(width, height, seq):
    """RGB8 pixels that differ in every row, column, channel and picture."""
    rows = bytearray()
    for y in range(height):
        for x in range(width):
            rows += bytes(((x + seq) % 256, (3 * y + seq) % 256, (x ^ y) % 256))
    return bytes(rows)


def png(width, height, rgb):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    stride = 3 * width
    rows = b"".join(b"\0" + rgb[y * stride : (y + 1) * stride] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def in_encoding(encoding, width, height, padding, rgb):
    """The rows as the encoding wants them, each followed by padding that is no picture."""
    if encoding == "bgr8":
        bgr = bytearray(rgb)
        bgr[0::3], bgr[2::3] = rgb[2::3], rgb[0::3]
        samples, row = bytes(bgr), 3 * width
    elif encoding == "mono8":
        samples, row = rgb[0::3], width
    else:
        samples, row = rgb, 3 * width
    padded = b"".join(samples[y * row : (y + 1) * row] + b"\xee" * padding for y in range(height))
    return row + padding, padded


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("topic")
    parser.add_argument("kind", choices=["raw", "compressed"])
    parser.add_argument("seconds", type=float)
    parser.add_argument("--hz", type=float, default=10.0)
    parser.add_argument("--width", type=int, default=160)
    parser.add_argument("--height", type=int, default=120)
    parser.add_argument("--encoding", choices=["rgb8", "bgr8", "mono8"], default="rgb8")
    parser.add_argument("--padding", type=int, default=0)
    parser.add_argument("--count", type=int, default=None)
    parser.add_argument("--file", default=None)
    args = parser.parse_args()
    common.stay_on_this_computer()
    common.end_cleanly_when_told()
    deadline = common.Deadline(args.seconds)

    import rclpy
    import sensor_msgs.msg
    from rclpy.qos import qos_profile_sensor_data

    rclpy.init()
    node = rclpy.create_node("pilotage_test_camera")
    raw = args.kind == "raw"
    message_type = sensor_msgs.msg.Image if raw else sensor_msgs.msg.CompressedImage
    publisher = node.create_publisher(message_type, args.topic, qos_profile_sensor_data)

    def picture(seq):
        """A message without a stamp, and the hash of what a receiver should make of it."""
        message = message_type()
        message.header.frame_id = "camera_optical"
        if args.file is not None:
            with open(args.file, "rb") as file:
                data = file.read()
            message.format = "jpeg"
            message.data = array.array("B", data)
            return message, hashlib.sha256(data).hexdigest()
        rgb = pattern(args.width, args.height, seq)
        seen = rgb if args.encoding != "mono8" else bytes(v for v in rgb[0::3] for _ in range(3))
        if raw:
            message.width, message.height, message.encoding = args.width, args.height, args.encoding
            message.step, data = in_encoding(args.encoding, args.width, args.height, args.padding, rgb)
        else:
            message.format, data, seen = "rgb8; png compressed rgb8", png(args.width, args.height, rgb), rgb
        message.data = array.array("B", data)
        return message, hashlib.sha256(seen).hexdigest()

    # Drawn beforehand: drawing is slower than sending, and the rate is to be kept.
    prepared = [picture(seq) for seq in range(8)]
    try:
        while not deadline.passed() and publisher.get_subscription_count() == 0:
            rclpy.spin_once(node, timeout_sec=0.02)
        if publisher.get_subscription_count() == 0:
            common.note(f"nobody subscribed to {args.topic} within {args.seconds} s")
        else:
            common.say("READY")
            start = time.monotonic()
            seq = 0
            while not deadline.passed() and (args.count is None or seq < args.count):
                message, sha256 = prepared[seq % len(prepared)]
                stamp_ns = time.time_ns()
                message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 1_000_000_000)
                t_ns = time.monotonic_ns()
                publisher.publish(message)
                common.say({"seq": seq, "stamp_ns": stamp_ns, "t_ns": t_ns, "sha256": sha256})
                seq += 1
                time.sleep(max(0.0, start + seq / args.hz - time.monotonic()))
            # What was published last is still on its way when publish returns.
            time.sleep(0.2)
    except KeyboardInterrupt:
        common.note("told to stop")
    common.say("DONE")
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
