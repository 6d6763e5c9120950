"""Sends a robot to a place of a map: `ros2 launch pilotage.launch.py map:=office goal:=LAST`.

Starts the plain program: it opens its own ROS node and reads no `--ros-args`, so names and topics
come from the robot's profile.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction
from launch.substitutions import LaunchConfiguration

# Name, default (None: must be given), what it means.
ARGUMENTS = [
    ("map", None, "folder of the map, made by `pilotage map build`"),
    ("goal", None, "where to: LAST, a node's number or its name"),
    ("start", "", "where the robot stands, if known: a node's number or name"),
    ("profile", "", "the robot's profile, e.g. profiles/turtlebot3.toml"),
    ("camera", "", "camera index or device path; set this or image_topic"),
    ("image_topic", "", "frames from this ROS topic; set this or camera"),
    ("compressed", "false", "whether image_topic carries CompressedImage"),
    ("record", "", "write a recording to this .mcap file"),
    ("dry_run", "false", "publish on <cmd_vel>_dry_run: nothing moves"),
    ("stay", "false", "keep running at the goal"),
    ("domain", "", "ROS_DOMAIN_ID; the environment's if left out"),
    ("executable", "pilotage", "the program, if it is not on the PATH"),
]

# Launch arguments that become an option with a value, and options that stand alone.
VALUES = {
    "goal": "--goal",
    "start": "--start",
    "profile": "--profile",
    "camera": "--camera",
    "image_topic": "--image-topic",
    "record": "--record",
}
SWITCHES = {"compressed": "--compressed", "dry_run": "--dry-run", "stay": "--stay"}


def command(values):
    """The command line for the values of the launch arguments; ValueError says what is wrong with them."""
    if bool(values["camera"]) == bool(values["image_topic"]):
        raise ValueError("set either camera:=DEVICE or image_topic:=TOPIC")
    words = [values["executable"], "run", values["map"]]
    for name, option in VALUES.items():
        if values[name]:
            words += [option, values[name]]
    for name, option in SWITCHES.items():
        if values[name].lower() not in ("true", "false"):
            raise ValueError(f"{name} is {values[name]!r}, expected true or false")
        if values[name].lower() == "true":
            words.append(option)
    return words


def start(context):
    values = {name: LaunchConfiguration(name).perform(context) for name, _, _ in ARGUMENTS}
    environment = {"ROS_DOMAIN_ID": values["domain"]} if values["domain"] else {}
    # Not started again by itself: whoever stands beside the robot decides when it drives.
    return [ExecuteProcess(cmd=command(values), additional_env=environment, output="screen")]


def generate_launch_description():
    declared = []
    for name, default, description in ARGUMENTS:
        given = {} if default is None else {"default_value": default}
        declared.append(DeclareLaunchArgument(name, description=description, **given))
    return LaunchDescription(declared + [OpaqueFunction(function=start)])
