"""Puts a simulated robot on the graph: `ros2 launch sim.launch.py world:=validation:5`.

Starts the plain program: it opens its own ROS node, reads no `--ros-args`, and never leaves this
computer. Whoever wants to see it needs the same domain: 87, unless `domain:=` says otherwise.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction
from launch.substitutions import LaunchConfiguration

# Name, default (None: must be given), what it means.
ARGUMENTS = [
    ("world", None, "the world, e.g. validation:5"),
    ("robot", "", "the kind of robot; the world's own choice if left out"),
    ("people", "0", "people who walk about"),
    ("rate", "20", "pictures a second"),
    ("size", "160x120", "size of the pictures"),
    ("flaws", "0", "how bad the camera is: 0 perfect, 1 a cheap one"),
    ("seed", "1", "decides noise, flaws and people"),
    ("namespace", "/", "namespace of the robot"),
    ("stamped", "false", "whether commands are TwistStamped"),
    ("expert", "false", "the simulator's own driver drives"),
    ("clock", "", "publish /clock, this many times as fast as real time"),
    ("domain", "87", "ROS_DOMAIN_ID"),
    ("executable", "pilotage", "the program, if it is not on the PATH"),
]

# Launch arguments that become an option with a value, and options that stand alone.
VALUES = {
    "robot": "--robot",
    "people": "--people",
    "rate": "--rate",
    "size": "--size",
    "flaws": "--flaws",
    "seed": "--seed",
    "namespace": "--namespace",
    "clock": "--clock",
}
SWITCHES = {"stamped": "--stamped", "expert": "--expert"}


def command(values):
    """The command line for the values of the launch arguments; ValueError says what is wrong with them."""
    words = [values["executable"], "sim", "run", values["world"]]
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
    return [ExecuteProcess(cmd=command(values), additional_env={"ROS_DOMAIN_ID": values["domain"]}, output="screen")]


def generate_launch_description():
    declared = []
    for name, default, description in ARGUMENTS:
        given = {} if default is None else {"default_value": default}
        declared.append(DeclareLaunchArgument(name, description=description, **given))
    return LaunchDescription(declared + [OpaqueFunction(function=start)])
